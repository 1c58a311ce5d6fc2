"""Real error strings from public issues lead to the right entry first.

Each line cites the thread (repository and number) in which the text was reported. The texts are
excerpts of logs and stack traces as they were pasted; the code is the cause
that the text names, or the likeliest one where it names none.
"""

from typing import NamedTuple

import pytest

from sottovoce.diagnosis import explain


class Report(NamedTuple):
    """A text as somebody reported it."""

    thread: str
    text: str
    code: str


REPORTS = (
    # Names
    Report(
        "JonasAlfredsson/docker-nginx-certbot#238",
        "curl: (60) SSL: no alternative certificate subject name matches target host name "
        "'tmp-file.xxxxxx.ai'\nMore details here: https://curl.se/docs/sslcerts.html",
        "name-mismatch",
    ),
    Report(
        "envoyproxy/envoy-website#94",
        "curl: (51) SSL: certificate subject name 'example.com' does not match target host name "
        "'localhost'",
        "name-mismatch",
    ),
    Report(
        "nextcloud/server#60661",
        "cURL error 60: SSL: no alternative certificate subject name matches target hostname "
        "'github.com' (see https://curl.haxx.se/libcurl/c/libcurl-errors.html)",
        "name-mismatch",
    ),
    Report(
        "ptisp/node-directadmin#3",
        "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: "
        "Host:da1.domain.net. is not in the cert's altnames: DNS:da1.domain.net",
        "name-mismatch",
    ),
    Report(
        "coolaj86/nodejs-ssl-trusted-peer-example#1",
        "Error: Hostname/IP doesn't match certificate's altnames\n"
        "    at SecurePair.<anonymous> (tls.js:1376:23)",
        "name-mismatch",
    ),
    Report(
        "emqx/MQTTX#1456",
        "[ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: "
        "IP: 8.209.82.158 is not in the cert's list: ",
        "address-mismatch",
    ),
    Report(
        "zowe/api-layer#1805",
        "main, SEND TLSv1.2 ALERT:  fatal, description = certificate_unknown\n"
        "main, handling exception: javax.net.ssl.SSLHandshakeException: "
        "java.security.cert.CertificateException: No subject alternative DNS name matching "
        "discovery-0.discovery-service.zowe.svc.cluster.local found.",
        "name-mismatch",
    ),
    Report(
        "opengoofy/hippo4j#1190",
        "javax.net.ssl.SSLHandshakeException: No subject alternative DNS name matching "
        "open.feishu.cn found.\n\tat java.base/sun.security.ssl.Alert.createSSLException("
        "Alert.java:128)",
        "name-mismatch",
    ),
    Report(
        "nginx/nginx#314",
        'upstream SSL certificate does not match "xxxx"',
        "name-mismatch",
    ),
    Report(
        "erlang/otp#3970",
        "TLS client: In state certify at ssl_handshake.erl:1373 generated CLIENT ALERT: Fatal - "
        "Handshake Failure - {bad_cert,hostname_check_failed}",
        "name-mismatch",
    ),
    Report(
        "edgurgel/httpoison#494",
        "TLS :client: In state :certify at ssl_handshake.erl:2140 generated CLIENT ALERT: Fatal - "
        "Handshake Failure\n - {:bad_cert, :hostname_check_failed}",
        "name-mismatch",
    ),
    Report(
        "nokia/ncm-issuer#9",
        'Failed to find ca: Get "https://ncm.nclm.eu:8084/v1/cas": x509: certificate relies on '
        "legacy Common Name field, use SANs or temporarily enable Common Name matching with "
        "GODEBUG=x509ignoreCN=0",
        "no-subject-alternative-name",
    ),
    Report(
        "fatedier/frp#2000",
        "2020/09/22 09:53:17 [W] [service.go:102] login to server failed: x509: certificate \n"
        "relies on legacy Common Name field, use SANs or temporarily enable \n"
        "Common Name matching with GODEBUG=x509ignoreCN=0",
        "no-subject-alternative-name",
    ),
    Report(
        "xuperchain/xuperchain#1078",
        'error="rpc error: code = Unavailable desc = connection error: desc = \\"transport: '
        "authentication handshake failed: x509: certificate relies on legacy Common Name field, "
        'use SANs or temporarily enable Common Name matching with GODEBUG=x509ignoreCN=0\\""',
        "no-subject-alternative-name",
    ),
    # Trust
    Report(
        "ghostunnel/ghostunnel#248",
        "error on dial: x509: certificate signed by unknown authority",
        "issuer-unknown",
    ),
    Report(
        "1dustindavis/gorilla#118",
        "mTLS gives error: x509: certificate signed by unknown authority",
        "issuer-unknown",
    ),
    Report(
        "FlorianREGAZ/Python-Tls-Client#75",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "issuer-unknown",
    ),
    Report(
        "assimbly/runtime#689",
        "javax.net.ssl.SSLHandshakeException: (certificate_unknown) PKIX path building failed: "
        "sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid "
        "certification path to requested target",
        "issuer-unknown",
    ),
    Report(
        "auto-ssl/lua-resty-auto-ssl#159",
        "lua ssl certificate verify error: (20: unable to get local issuer certificate), context: "
        "ssl_certificate_by_lua*, client: 172.31.51.89, server: 0.0.0.0:443",
        "issuer-unknown",
    ),
    Report(
        "rustls/rustls#883",
        "Error: transport error\n\nCaused by:\n    0: error trying to connect: invalid "
        "certificate: UnknownIssuer",
        "issuer-unknown",
    ),
    Report(
        "vercel/turborepo#7364",
        "Invalid peer certificate: UnknownIssuer",
        "issuer-unknown",
    ),
    Report(
        "Hakky54/mutual-tls-ssl#1",
        "javax.net.ssl.SSLException: Unexpected error: "
        "java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be "
        "non-empty",
        "issuer-unknown",
    ),
    Report(
        "rabbitmq/rabbitmq-server#3663",
        "2021-11-06 17:52:47.545802+00:00 [noti] <0.2615.0> TLS client: In state connection "
        "received SERVER ALERT: Fatal - Unknown CA",
        "issuer-unknown",
    ),
    Report(
        "rabbitmq/cluster-operator#796",
        '{{socket_error,{tls_alert,{unknown_ca,"TLS client: In state connection received SERVER '
        "ALERT: Fatal - Unknown CA\\n\"}}},\n {expecting,'connection.start'}}",
        "issuer-unknown",
    ),
    Report(
        "rabbitmq/rabbitmq-server#741",
        "139734982039208:error:14094418:SSL routines:SSL3_READ_BYTES:tlsv1 alert unknown ca:"
        "s3_pkt.c:1300:SSL alert number 48\n139734982039208:error:140790E5:SSL routines:"
        "SSL23_WRITE:ssl handshake failure:s23_lib.c:177:",
        "issuer-unknown",
    ),
    Report(
        "openssl/openssl#11207",
        "javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_unknown",
        "issuer-unknown",
    ),
    Report(
        "netty/netty#10342",
        "javax.net.ssl.SSLHandshakeException: error:10000416:SSL routines:OPENSSL_internal:"
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "issuer-unknown",
    ),
    Report(
        "docker-library/rabbitmq#532",
        "2021-11-29 15:16:01.141676+00:00 [noti] <0.852.0> TLS server: In state wait_finished "
        "received CLIENT ALERT: Fatal - Certificate Unknown",
        "issuer-unknown",
    ),
    Report(
        "microsoft/dev-tunnels#386",
        "The remote certificate is invalid because of errors in the certificate chain: "
        "UntrustedRoot",
        "root-untrusted",
    ),
    Report(
        "skoruba/IdentityServer4.Admin#915",
        "AuthenticationException: The remote certificate is invalid because of errors in the "
        "certificate chain: PartialChain\nSystem.Net.Security.SslStream.SendAuthResetSignal("
        "ProtocolToken message, ExceptionDispatchInfo exception)\n\nHttpRequestException: The SSL "
        "connection could not be established, see inner exception.",
        "intermediate-missing",
    ),
    Report(
        "golang/go#74036",
        "    Verify return code: 21 (unable to verify the first certificate)",
        "intermediate-missing",
    ),
    Report(
        "stripe-interview/python-interview-prep#24",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in "
        "certificate chain (_ssl.c:1020)",
        "root-untrusted",
    ),
    Report(
        "mohamadkhalaj/tradingView-API#3",
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
        "self signed certificate in certificate chain (_ssl.c:997)",
        "root-untrusted",
    ),
    Report(
        "huaweicloud-samples/iaas-mcp-server#128",
        "[09/19/25 11:43:05] ERROR    SslHandShakeException -   server.py:158\n"
        "                             [SSL: CERTIFICATE_VERIFY_FAILED]                   \n"
        "                             certificate verify failed:                         \n"
        "                             self-signed certificate in                         \n"
        "                             certificate chain (_ssl.c:1007)",
        "root-untrusted",
    ),
    Report(
        "Jittor/JDet#11",
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
        "self signed certificate (_ssl.c:1091)",
        "self-signed",
    ),
    Report(
        "microsoft/winget-pkgs#95324",
        "A certificate chain processed, but terminated in a root certificate which is not trusted "
        "by the trust provider.",
        "root-untrusted",
    ),
    Report(
        "rustls/rustls#2448",
        "TLS error: invalid peer certificate: BadSignature\nConnection closed",
        "signature-mismatch",
    ),
    Report(
        "doy/rbw#254",
        "client error (Connect): invalid peer certificate: BadSignature",
        "signature-mismatch",
    ),
    Report(
        "lightningnetwork/lnd#5450",
        "The error `CaUsedAsEndEntity` indicates that Rustls is rejecting the server’s certificate "
        "because it is a CA certificate being used as an end-entity certificate",
        "leaf-is-ca",
    ),
    Report(
        "pyca/pyopenssl#1000",
        "([25, 2, 'path length constraint exceeded'],)",
        "path-too-long",
    ),
    Report(
        "digitalbazaar/forge#196",
        "Certificate basicConstraints pathLenConstraint violated.",
        "path-too-long",
    ),
    Report(
        "openssl/openssl#13758",
        "error 47 at 0 depth lookup: permitted subtree violation\n"
        "error ../certs/badalt6-cert.pem: verification failed",
        "name-constraint",
    ),
    Report(
        "miraheze/puppet#10",
        "OCSP_basic_verify() failed (SSL: error:27069065:OCSP routines:OCSP_basic_verify:"
        "certificate verify error:Verify error:unable to get issuer certificate)",
        "partial-chain",
    ),
    Report(
        "python/cpython#138193",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Authority Key "
        "Identifier (_ssl.c:1032)",
        "strict-profile",
    ),
    Report(
        "confluentinc/cp-docker-images#817",
        "+ keytool -keystore kafka.broker1.keystore.jks -alias broker1 -import -file "
        "broker1-ca1-signed.crt -storepass confluent -keypass confluent\n"
        "keytool error: java.lang.Exception: Failed to establish chain from reply",
        "root-missing-for-reply",
    ),
    Report(
        "openshift/origin-aggregated-logging#491",
        "Certificate was added to keystore\n+ /bin/keytool -import -file "
        "/etc/deploy/scratch/system.admin.crt -noprompt -alias system.admin\n"
        "keytool error: java.lang.Exception: Failed to establish chain from reply",
        "root-missing-for-reply",
    ),
    # Validity and revocation
    Report(
        "FlorianREGAZ/Python-Tls-Client#71",
        "x509: certificate has expired or is not yet valid: current time 2023-05-18 is after "
        "2023-04-23T06:01:48Z",
        "certificate-expired",
    ),
    Report(
        "emersion/go-smtp#63",
        "2019/09/14 00:52:08 x509: certificate has expired or is not yet valid",
        "certificate-expired",
    ),
    Report(
        "openssl/openssl#14036",
        "client SSL certificate verify error: (10:certificate has expired) while reading client "
        "request headers, client: 10.10.10.50, server: localhost",
        "certificate-expired",
    ),
    Report(
        "RWS/ISHRemote#211",
        "The remote certificate is invalid because of errors in the certificate chain: "
        "NotTimeValid",
        "certificate-expired",
    ),
    Report(
        "curl/curl#12516",
        "SSL certificate problem: certificate is not yet valid",
        "not-yet-valid",
    ),
    Report(
        "xipki/xipki#238",
        "C = FI, O = nokia, CN = nokia.com\nerror 9 at 0 depth lookup: certificate is not yet "
        "valid\nerror ./cert.pem: verification failed",
        "not-yet-valid",
    ),
    Report(
        "kyl191/ansible-role-openvpn#54",
        "VERIFY ERROR: depth=0, error=CRL has expired: CN=xxxxxxxxxx",
        "revocation-list-expired",
    ),
    Report(
        "angristan/openvpn-install#78",
        "192.168.0.1:37072 VERIFY ERROR: depth=0, error=CRL has expired: CN=client\n"
        "192.168.0.1:37072 OpenSSL: error:1417C086:SSL routines:tls_process_client_certificate:"
        "certificate verify failed",
        "revocation-list-expired",
    ),
    Report(
        "Nyr/openvpn-install#352",
        "openvpn[11357]: myclientip:45962 VERIFY ERROR: depth=0, error=CRL has expired: CN=client\n"
        "OpenSSL: error:140890B2:SSL routines:SSL3_GET_CLIENT_CERTIFICATE:no certificate returned\n"
        "TLS Error: TLS handshake failed",
        "revocation-list-expired",
    ),
    # Plaintext, wrong peer, network
    Report(
        "percona/pmm-client#28",
        "2017/02/28 16:33:47 http: TLS handshake error from 192.168.67.23:43970: tls: first record "
        "does not look like a TLS handshake",
        "plaintext-peer",
    ),
    Report(
        "emersion/go-imap#368",
        "c, err := client.DialTLS\nfirst record does not look like a TLS handshake",
        "plaintext-peer",
    ),
    Report(
        "netty/netty#11873",
        "io.netty.handler.codec.DecoderException: io.netty.handler.ssl.NotSslRecordException: not "
        "an SSL/TLS record: 474554202f20485454502f312e310d0a486f73743a206c6f63616c686f7374",
        "http-peer",
    ),
    Report(
        "netty/netty#9200",
        "Caused by: io.netty.handler.ssl.NotSslRecordException: not an SSL/TLS record: "
        "485454502f312e3020353033204572726f720d0a",
        "http-peer",
    ),
    Report(
        "it-projects-llc/odoo-saas-tools#781",
        "Message: b '<urlopen error [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c: "
        "720)>'",
        "peer-not-secured",
    ),
    Report(
        "encode/httpx#646",
        "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:852)",
        "peer-not-secured",
    ),
    Report(
        "acheong08/ChatGPT#297",
        "ssl.SSLEOFError: EOF occurred in violation of protocol (_ssl.c:1131)",
        "closed-early",
    ),
    Report(
        "psf/requests#5813",
        "SSLError: HTTPSConnectionPool(host='myservce.company.com', port=443): Max retries "
        "exceeded with url: /some/url/(Caused by SSLError(SSLEOFError(8, u'EOF occurred in "
        "violation of protocol (_ssl.c:661)'),))",
        "closed-early",
    ),
    # Protocol, keys, purposes
    Report(
        "confluentinc/kafka-connect-jdbc#1133",
        "The server selected protocol version TLS10 is not accepted by client preferences "
        "[TLS13, TLS12]",
        "protocol-version",
    ),
    Report(
        "rabbitmq/rabbitmq-server#13712",
        "CLIENT ALERT: Fatal - Protocol Version",
        "protocol-version",
    ),
    Report(
        "OpenAS2/OpenAs2App#358",
        "Error : OpenAS2Exception: Error occurred:: no cipher suites in common",
        "no-common-cipher",
    ),
    Report(
        "eclipse-mosquitto/mosquitto#1355",
        "openssl error: error:1417C0C7: SSL routines: tls_procese_client_certificate:peer did not "
        "return a certificate",
        "no-certificate",
    ),
    Report(
        "tarantool/websocket#14",
        "140584994805120:error:1417C0C7:SSL routines:tls_process_client_certificate:peer did not "
        "return a certificate:../ssl/statem/statem_srvr.c:3697:\nshutting down SSL",
        "no-certificate",
    ),
    Report(
        "nginx/nginx#915",
        "400 No required SSL certificate was sent",
        "no-certificate",
    ),
    Report(
        "etcd-io/etcd#11736",
        'etcd[16098]: rejected connection from "127.0.0.1:32854" (error "tls: failed to verify '
        "client's certificate: x509: certificate specifies an incompatible key usage\", "
        'ServerName "")',
        "purpose-client-missing",
    ),
    Report(
        "voxpupuli/puppet-k8s#132",
        '"msg":"rejected connection","remote-addr":"[::1]:35480","server-name":"","error":"tls: '
        'failed to verify certificate: x509: certificate specifies an incompatible key usage"}\n'
        'Err: connection error: desc = "error reading server preface: remote error: tls: bad '
        'certificate"',
        "purpose-client-missing",
    ),
    Report(
        "nginx/docker-nginx#175",
        "2017/06/06 15:59:58 [info] 6#6: *2 client SSL certificate verify error: (26:unsupported "
        "certificate purpose) while reading client request headers",
        "purpose-client-missing",
    ),
    Report(
        "VickScarlet/remake#124",
        "Error: error:140AB18F:SSL routines:SSL_CTX_use_certificate:ee key too small\n"
        "  code: 'ERR_SSL_EE_KEY_TOO_SMALL'",
        "weak-key",
    ),
    Report(
        "openssl/openssl#20972",
        "it failed to load the certificate, error: EE key too small, the certificate's key is "
        "1024bits.",
        "weak-key",
    ),
    Report(
        "openssl/openssl#20532",
        "failed (SSL: error:140AB18E:SSL routines:SSL_CTX_use_certificate:ca md too weak)",
        "weak-signature",
    ),
    # Keystores and files
    Report(
        "escline/InstallCert#4",
        'Exception in thread "main" java.io.IOException: Keystore was tampered with, or password '
        "was incorrect\n        at sun.security.provider.JavaKeyStore.engineLoad(Unknown Source)\n"
        "Caused by: java.security.UnrecoverableKeyException: Password verification failed",
        "keystore-wrong-password",
    ),
    Report(
        "adorsys/xs2a-adapter#250",
        "Fix IOException: keystore password was incorrect",
        "keystore-wrong-password",
    ),
    Report(
        "spring-cloud/spring-cloud-config#102",
        "Caused by: java.security.UnrecoverableKeyException: Cannot recover key\n"
        "\tat sun.security.provider.KeyProtector.recover(KeyProtector.java:328)",
        "keystore-entry-locked",
    ),
    Report(
        "Haojunzuo/license#1",
        "java.security.UnrecoverableKeyException: Get Key failed: Given final block not properly "
        "padded",
        "keystore-entry-locked",
    ),
    Report(
        "openssl/openssl#19167",
        "40E74B9CFF7E0000:error:0308010C:digital envelope routines:inner_evp_generic_fetch:"
        "unsupported:../crypto/evp/evp_fetch.c:349:Global default library context, Algorithm "
        "(RC2-40-CBC : 0), Properties ()\nCould not read certificate from <stdin>\n"
        "Unable to load certificate",
        "keystore-format",
    ),
    Report(
        "openssl/openssl#12297",
        "C06DAD1701000000:error::digital envelope routines:evp_generic_fetch:fetch failed:"
        "crypto/evp/evp_fetch.c:307:Default library context, Algorithm (RC2-40-CBC), Properties ()",
        "keystore-format",
    ),
    Report(
        "MaxCamillo/android-keystore-password-recover#6",
        "java.io.IOException: not a JavaKeyStore\n        at JKS.engineLoad(JKS.java:373)",
        "keystore-format",
    ),
    Report(
        "cloudera-labs/cloudera-deploy#105",
        "keytool error: java.lang.Exception: Public keys in reply and keystore don't match",
        "reply-wrong-key",
    ),
    Report(
        "chirpstack/chirpstack-certificates#3",
        "Error tls: private key does not match public key (code: 2)",
        "keystore-key-mismatch",
    ),
    Report(
        "git-lfs/lfs-test-server#30",
        "err=Could not create https listener: crypto/tls: private key does not match public key",
        "keystore-key-mismatch",
    ),
    Report(
        "srvrco/getssl#301",
        "postfix/smtpd[12615]: warning: cannot get RSA private key from file: disabling TLS "
        "support\nwarning: TLS library problem: error:0B080074:x509 certificate routines:"
        "X509_check_private_key:key values mismatch:x509_cmp.c:341:",
        "keystore-key-mismatch",
    ),
    Report(
        "libressl/portable#769",
        "private/public key mismatch in tls_configure.",
        "keystore-key-mismatch",
    ),
    # INI files
    Report(
        "adoptium/aqa-systemtest#23",
        "top.xml:447: java.lang.IllegalArgumentException: Malformed \\uxxxx encoding.\n"
        "at java.util.Properties.loadConvert(Properties.java:618)",
        "ini-malformed-escape",
    ),
    Report(
        "apache/maven#9288",
        "[ERROR] Internal error: java.lang.IllegalArgumentException: Malformed \\uxxxx encoding. "
        "-> [Help 1]",
        "ini-malformed-escape",
    ),
    # A second collection: 28 of these 36 were right at first sight, before any entry was changed
    # for them.
    Report(
        "apache/kafka#4223",
        (
            "Connection to node -1 failed authentication due to: SSL handshake failed "
            "(org.apache.kafka.clients.NetworkClient)\n"
            "org.apache.kafka.common.errors.SslAuthenticationException: SSL handshake failed\n"
            "Caused by: javax.net.ssl.SSLHandshakeException: General SSLEngine problem"
        ),
        "handshake-failed",
    ),
    Report(
        "bitnami/containers#43226",
        (
            "org.apache.kafka.common.errors.SslAuthenticationException: SSL handshake "
            "failed\nCaused by: javax.net.ssl.SSLHandshakeException: Received fatal alert: "
            "handshake_failure"
        ),
        "no-common-cipher",
    ),
    Report(
        "bitnami/containers#53286",
        (
            "Invalid value javax.net.ssl.SSLHandshakeException: No available authentication "
            "scheme for configuration A client SSLEngine created with the provided settings "
            "can't connect to a server SSLEngine created with those settings."
        ),
        "keystore-no-key",
    ),
    Report(
        "bitnami/charts#8122",
        "2021-11-18 17:02:28.125 GMT [318] FATAL:  connection requires a valid client certificate",
        "no-certificate",
    ),
    Report(
        "sosedoff/pgweb#145",
        "pq: connection requires a valid client certificate",
        "no-certificate",
    ),
    Report(
        "Kong/docs.konghq.com#5070",
        'FATAL:  could not access private key file "server.key": No such file or directory',
        "file-missing",
    ),
    Report(
        "citusdata/citus#3506",
        (
            "DETAIL:  File must have permissions u=rw (0600) or less if owned by the "
            "database user, or permissions u=rw,g=r (0640) or less if owned by root."
        ),
        "file-not-owner-only",
    ),
    Report(
        "sous-chefs/postgresql#156",
        (
            "FATAL:  could not access private key file "
            '"/etc/ssl/private/ssl-cert-snakeoil.key": Permission denied'
        ),
        "file-unreadable",
    ),
    Report(
        "openssl/openssl#1761",
        (
            "2016.10.21 03:04:43 LOG3[main]: error queue: 140DC009: error:140DC009:SSL "
            "routines:SSL_CTX_use_certificate_chain_file:PEM "
            "lib\nSSL_CTX_use_certificate_chain_file: 906D06C: error:0906D06C:PEM "
            "routines:PEM_read_bio:no start line"
        ),
        "certificate-malformed",
    ),
    Report(
        "nodejs/help#2964",
        (
            "11668 error code ERR_OSSL_PEM_NO_START_LINE\n11669 error error:0909006C:PEM "
            "routines:get_name:no start line"
        ),
        "certificate-malformed",
    ),
    Report(
        "Matty9191/ssl-cert-check#50",
        (
            "unable to load certificate\n139873597757072:error:0906D06C:PEM "
            "routines:PEM_read_bio:no start line:pem_lib.c:703:Expecting: TRUSTED CERTIFICATE"
        ),
        "certificate-malformed",
    ),
    Report(
        "megadose/ignorant#8",
        "httpx.ConnectTimeout: _ssl.c:980: The handshake operation timed out",
        "tls-not-started",
    ),
    Report(
        "apache/httpcomponents-core#541",
        "TLS handshake timed out after 3 SECONDS",
        "tls-not-started",
    ),
    Report(
        "kubernetes-retired/dashboard#2275",
        (
            "Get https://10.96.0.1:443/api/v1/namespaces/default/pods: x509: certificate "
            'signed by unknown authority (possibly because of "crypto/rsa: verification '
            'error" while trying to verify candidate authority certificate "kubernetes")'
        ),
        "signature-mismatch",
    ),
    Report(
        "micromdm/scep#180",
        (
            "caller=service_logging.go:47 component=scep_service method=PKIOperation "
            'err="crypto/rsa: verification error" took=438.502µs'
        ),
        "signature-mismatch",
    ),
    Report(
        "home-assistant/addons#2350",
        (
            "1642374279: OpenSSL Error[0]: error:14094416:SSL routines:ssl3_read_bytes:sslv3 "
            "alert certificate unknown\n1642374279: Socket error on client <unknown>, "
            "disconnecting."
        ),
        "issuer-unknown",
    ),
    Report(
        "eclipse-mosquitto/mosquitto#968",
        (
            "1537210620: OpenSSL Error: error:14094418:SSL routines:ssl3_read_bytes:tlsv1 "
            "alert unknown ca"
        ),
        "issuer-unknown",
    ),
    Report(
        "mgdm/Mosquitto-PHP#44",
        (
            "1471171616: OpenSSL Error: error:1409442E:SSL routines:SSL3_READ_BYTES:tlsv1 "
            "alert protocol version\n1471171616: OpenSSL Error: error:140940E5:SSL "
            "routines:SSL3_READ_BYTES:ssl handshake failure"
        ),
        "protocol-version",
    ),
    Report(
        "openssl/openssl#17847",
        "error:14094438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error",
        "internal-error",
    ),
    Report(
        "Hakky54/mutual-tls-ssl#77",
        "keytool error: java.lang.Exception: Alias \\<server\\> does not exist",
        "alias-missing",
    ),
    Report(
        "V1D1AN/S1EM#38",
        "keytool error: java.lang.Exception: Alias <ca> does not exist",
        "alias-missing",
    ),
    Report(
        "openssl/openssl#13919",
        (
            "Caused by: java.lang.IllegalArgumentException: Alias name [test] does not "
            "identify a key entry"
        ),
        "alias-missing",
    ),
    Report(
        "zowe/zowe-install-packaging#3977",
        (
            "  * Exit code: 1\n  * Output:\n    keytool error: java.lang.Exception: Input "
            "not an X.509 certificate"
        ),
        "certificate-malformed",
    ),
    Report(
        "awslabs/aws-sdk-android-samples#78",
        (
            "> Failed to read key iot_keystore_alias from store "
            '"AWS/New_certificates_n.virginia_22_aug/iot_keystore.bks": Invalid keystore '
            "format"
        ),
        "keystore-format",
    ),
    Report(
        "OpenKMIP/PyKMIP#402",
        (
            "ERROR - The extended key usage extension is missing from the client "
            "certificate. Session client identity unavailable."
        ),
        "purpose-client-missing",
    ),
    Report(
        "go-gost/gost#514",
        '"msg":"remote error: tls: certificate required","network":"tcp"',
        "no-certificate",
    ),
    Report(
        "rustls/tokio-rustls#83",
        (
            "40774BE4047F0000:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert "
            "certificate required:../ssl/record/rec_layer_s3.c:1586:SSL alert number 116"
        ),
        "no-certificate",
    ),
    Report(
        "silkimen/cordova-plugin-advanced-http#415",
        "TLS connection peer did not send a certificate",
        "no-certificate",
    ),
    Report(
        "davidmoreno/onion#17",
        "[ERROR https.c:208] Handshake has failed (An unexpected TLS packet was received.)",
        "peer-not-secured",
    ),
    Report(
        "rsyslog/rsyslog#5372",
        (
            "imtcp: gnutls returned error on handshake: An unexpected TLS packet was "
            "received.  [v8.2310.0-4.el9 try https://www.rsyslog.com/e/2083 ]"
        ),
        "peer-not-secured",
    ),
    Report(
        "rexim/org-cliplink#50",
        (
            "gnutls.c: [0] (Emacs) fatal error: A TLS fatal alert has been "
            "received.\ngnutls.c: [0] (Emacs) Received alert:  Handshake failed"
        ),
        "no-common-cipher",
    ),
    Report(
        "haskell-tls/hs-tls#420",
        (
            'InternalException (HandshakeFailed (Error_Protocol("expecting server hello, got '
            'alert : [(AlertLevel_Fatal,UnexpectedMessage)]"'
        ),
        "handshake-failed",
    ),
    Report(
        "pyca/cryptography#11461",
        (
            'validation failed: CandidatesExhausted(Other("authorityKeyIdentifier must not '
            'contain authorityCertIssuer"))'
        ),
        "strict-profile",
    ),
    Report(
        "inclavare-containers/rats-tls#17",
        "X509_V_ERR_CERT_NOT_YET_VALID error occurs on certificate verification",
        "not-yet-valid",
    ),
    Report(
        "openenclave/openenclave#1842",
        (
            "X509_verify_cert failed!\n error: (12) CRL has expired\n "
            "(oe_result_t=OE_VERIFY_CRL_EXPIRED)"
        ),
        "revocation-list-expired",
    ),
    Report(
        "jbufu/openid4java#27",
        (
            "sun.security.validator.ValidatorException: PKIX path validation failed: "
            "\njava.security.cert.CertPathValidatorException: subject/issuer name chaining "
            "check failed"
        ),
        "keystore-chain-disordered",
    ),
    # Causes that lie in other programs alone.
    Report(
        "rust-openssl/rust-openssl#1235",
        (
            "Error { code: ErrorCode(1), cause: Some(Ssl(ErrorStack([Error { code: 336433429, "
            'library: "SSL routines", function: "ssl_get_prev_session", reason: "session id '
            'context uninitialized", file: "ssl/ssl_sess.c", line: 578 }]))) }'
        ),
        "resumed-session",
    ),
    Report(
        "curl/curl#10863",
        "curlDebug=[1159] Failed to connect to xxx port 55443 after 1159 ms: Error",
        "connect-failed",
    ),
)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.thread)
def test_the_reported_text_leads_to_its_cause(report: Report) -> None:
    """The right entry ranks first."""
    assert explain(report.text)[0].code == report.code


def test_there_are_enough_reports_and_each_is_cited() -> None:
    """At least 120, no thread twice, each a repository and a number."""
    threads = [report.thread for report in REPORTS]
    assert len(set(threads)) == len(threads) >= 120
    assert all("/" in thread and thread.rpartition("#")[2].isdecimal() for thread in threads)


def test_no_answer_repeats_the_password_that_was_pasted_with_the_error() -> None:
    """W20: a pasted command line is not echoed with its password."""
    report = next(one for one in REPORTS if "-storepass confluent" in one.text)
    for found in explain(report.text):
        assert "confluent" not in "".join((found.message, found.next_step, *found.evidence))
