"""Entries of the family *network*: plaintext, wrong services, silence (P1-P9)."""

from sottovoce.diagnosis.entry import Entry, Says, Severity, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="plaintext-peer",
        title="An unsecured server spoke to a secured one",
        rows=("P1",),
        side=Side.PEER,
        message=(
            "{peer} spoke without encryption to port {port|of this secured server} (first bytes: "
            "{presented|not TLS})."
        ),
        next_step="Secure {peer} too (commands/ssl.ini, then restart): security is all or nothing.",
        says=(
            Says("unsupported or unrecognized ssl message", 0.5, "java"),
            Says("unrecognized ssl message, plaintext connection?", 0.5, "java"),
            Says("wrong version number", 0.4, "openssl"),
            Says("not an ssl/tls record: {presented}", 0.8, "elasticsearch"),
            Says("notsslrecordexception", 0.75, "netty"),
            Says("tls: first record does not look like a tls handshake", 0.55, "go"),
            Says("first record does not look like a tls handshake", 0.55, "go"),
            Says("received plaintext traffic on an encrypted channel", 0.9, "elasticsearch"),
            Says("plaintext http traffic on an https channel", 0.6, "elasticsearch"),
            Says("15 03 03 00 02 02 0a", 0.9, "java"),
            Says("bad packet length", 0.5, "openssl"),
            Says("tls: unsupported sslv2 handshake received", 0.6, "go"),
            Says("an unexpected tls packet was received", 0.5, "gnutls"),
            Says("received corrupt message of type invalidcontenttype", 0.5, "rustls"),
            Says("corrupt message", 0.3, "rustls"),
            Says("packet length too long", 0.4, "openssl"),
            Says("record layer failure", 0.3, "openssl"),
            Says("spoke without encryption to port {port}", 0.95, "sottovoce"),
        ),
        when=(
            When("side", "accepting", 3.0),
            When("side", "caller", 0.2),
            When("own-mode", "plain", 0.1),
        ),
        apart="It is the accepting side that says so: the caller sent no TLS.",
    ),
    Entry(
        code="peer-not-secured",
        title="A secured server called an unsecured one",
        rows=("P2",),
        side=Side.PEER,
        message=(
            "{peer} answers on port {port|that was called} without encryption: it has no "
            "commands/ssl.ini, or was not restarted since it got one."
        ),
        next_step="Give {peer} its commands/ssl.ini and restart it; then all servers are secured.",
        says=(
            Says("wrong version number", 0.55, "openssl"),
            Says("unsupported or unrecognized ssl message", 0.5, "java"),
            Says("remote host terminated the handshake", 0.4, "java"),
            Says("remote host closed connection during handshake", 0.4, "java"),
            Says("eof occurred in violation of protocol", 0.4, "python"),
            Says("unexpected eof while reading", 0.3, "openssl"),
            Says("tls: first record does not look like a tls handshake", 0.5, "go"),
            Says("first record does not look like a tls handshake", 0.5, "go"),
            Says("invalid internal transport message format, got (16,3,", 0.93, "elasticsearch"),
            Says(
                "streamcorruptedexception: invalid internal transport message format, got (16,3,",
                0.93,
            ),
            Says("server does not support ssl, but ssl was required", 0.9, "libpq"),
            Says("received corrupt message of type invalidcontenttype", 0.5, "rustls"),
            Says("corrupt message", 0.3, "rustls"),
            Says("an unexpected tls packet was received", 0.55, "gnutls"),
            Says("ssl error rx record too long", 0.55, "nss"),
            Says("packet length too long", 0.45, "openssl"),
            Says("record layer failure", 0.3, "openssl"),
            Says("the server does not support ssl connections", 0.9),
            Says("the handshake failed due to an unexpected packet format", 0.6, "dotnet"),
            Says(
                "cannot determine the frame size or a corrupted frame was received", 0.6, "dotnet"
            ),
            Says("answers without encryption", 0.95, "sottovoce"),
        ),
        when=(
            When("side", "caller", 2.5),
            When("side", "accepting", 0.2),
            When("peer-mode", "plain", 4.0),
            When("peer-mode", "secured", 0.1),
        ),
        apart=(
            "The port is right and the partner runs; its log has no 'Initializing Secure Sockets "
            "Layer' line."
        ),
    ),
    Entry(
        code="secured-caller",
        title="A secured server called this unsecured one",
        rows=("P2", "C6"),
        side=Side.BOTH,
        message=(
            "{peer} called with TLS (first bytes {presented|16 03}); {own} is not secured and "
            "expected {expected|plain speech}."
        ),
        next_step=(
            "Secure this server too (commands/ssl.ini, then restart): security is all or nothing."
        ),
        says=(
            Says(
                "a secured partner ({peer}) called; this server is not secured", 0.97, "sottovoce"
            ),
            Says("invalid internal transport message format, got (16,3,", 0.7, "elasticsearch"),
            Says("invalid http request received: \\x16\\x03", 0.85),
            Says("'\\x16\\x03", 0.7, "nginx"),
            Says("\\x16\\x03\\x01", 0.75, "nginx"),
            Says("bad request version ('", 0.3, "python"),
            Says("code 400, message bad request version", 0.5, "python"),
            Says("client sent an https request to an http server", 0.6),
        ),
        when=(
            When("own-mode", "plain", 2.0),
            When("side", "accepting", 1.6),
            When("side", "caller", 0.3),
        ),
        apart="It is the accepting side that says so: the first bytes were 16 03.",
    ),
    Entry(
        code="foreign-service",
        title="Another service answers on that port",
        rows=("P3",),
        side=Side.BOTH,
        message=(
            "{peer} answered on port {port|that was called} with {presented|bytes of another "
            "protocol}: that is not {expected|a server of this installation}."
        ),
        next_step="Correct host and port of {peer} in this component's ini file.",
        says=(
            Says("ssh-2.0-{presented}", 0.9, "ssh"),
            Says("ssh-2.0", 0.88, "ssh"),
            Says("220 {presented} esmtp", 0.9, "smtp"),
            Says("mysql native password", 0.7, "mysql"),
            Says("-err unknown command", 0.8, "redis"),
            Says("err ssl wrong version number", 0.3, "node"),
            Says("wrong version number", 0.25, "openssl"),
            Says("unsupported or unrecognized ssl message", 0.2, "java"),
            Says("first record does not look like a tls handshake", 0.2, "go"),
            Says("record layer failure", 0.2, "openssl"),
            Says("eof occurred in violation of protocol", 0.12, "python"),
            Says("that is not a tracker", 0.95, "sottovoce"),
        ),
        when=(When("side", "accepting", 0.3), When("peer-mode", "plain", 0.3)),
        apart=(
            "The first bytes of the answer are a banner of another service (SSH-2.0, HTTP, 220 …)."
        ),
    ),
    Entry(
        code="http-peer",
        title="HTTP was spoken on a port that is not for browsers",
        rows=("P1", "P3"),
        side=Side.PEER,
        message=(
            "{peer} spoke HTTP to port {port|of this server} ({presented|a browser, a monitor or a "
            "proxy}); this port takes only servers of the installation."
        ),
        next_step="Point that browser, monitor or proxy at the web port, or at nothing.",
        says=(
            Says("http request", 0.5, "openssl"),
            Says("[ssl: http request] http request", 0.93, "python"),
            Says("ssl routines::http request", 0.93, "openssl"),
            Says("ssl routines:{}:http request", 0.9, "openssl"),
            Says("https proxy request", 0.7, "openssl"),
            Says("the plain http request was sent to https port", 0.95, "nginx"),
            Says("client sent an http request to an https server", 0.95, "go"),
            Says("server gave http response to https client", 0.9, "go"),
            Says("this combination of host and port requires tls", 0.93, "tomcat"),
            Says("plaintext http traffic on an https channel", 0.9, "elasticsearch"),
            Says("this is not an http port", 0.9, "elasticsearch"),
            Says("received http/0.9 when not allowed", 0.5, "curl"),
        ),
        when=(When("side", "caller", 0.6),),
        apart="The first bytes are 'GET ' or 'POST ' (or 'HTTP/1.' from the called side).",
    ),
    Entry(
        code="connection-refused",
        title="Nothing accepts connections there",
        rows=("P4",),
        side=Side.PEER,
        message=(
            "{own} could not reach {peer}: nothing accepts on port {port|that was called} "
            "(refused at once)."
        ),
        next_step="Is {peer} running, and is {port|the port} right? Look at its logs/server.log.",
        says=(
            Says("connection refused", 0.93),
            Says("econnrefused", 0.93, "node"),
            Says("[errno 111]", 0.9, "python"),
            Says(
                "no connection could be made because the target machine actively refused it",
                0.95,
                "windows",
            ),
            Says("actively refused", 0.9, "windows"),
            Says("winerror 10061", 0.93, "windows"),
            Says("{failed connect,[{to address", 0.7, "erlang"),
            Says("couldn't connect to server", 0.7, "curl"),
            Says("could not connect to server", 0.65, "curl"),
            Says(",econnrefused}", 0.93, "erlang"),
        ),
    ),
    Entry(
        code="no-answer",
        title="No answer: a firewall, or the host is down",
        rows=("P5",),
        side=Side.BOTH,
        message=(
            "{own} got no answer from {peer} on port {port|that was called} within "
            "{expected|the time limit}: typical for a firewall that drops packets, or a host "
            "that is "
            "down."
        ),
        next_step=(
            "Let the firewalls on the way pass that port, or start the host; another port "
            "that answers tells which."
        ),
        says=(
            Says("connection timed out", 0.85),
            Says("connect timed out", 0.9, "java"),
            Says("connection timeout", 0.75),
            Says("etimedout", 0.85, "node"),
            Says("timed out", 0.35, "python"),
            Says("timeouterror: timed out", 0.8, "python"),
            Says("[errno 110]", 0.88, "python"),
            Says("i/o timeout", 0.7, "go"),
            Says("dial tcp {peer}: i/o timeout", 0.9, "go"),
            Says("context deadline exceeded", 0.4, "go"),
            Says("no route to host", 0.88),
            Says("network is unreachable", 0.85),
            Says("host is unreachable", 0.85),
            Says("ehostunreach", 0.88, "node"),
            Says("enetunreach", 0.85, "node"),
            Says(
                "a connection attempt failed because the connected party did not properly respond",
                0.93,
                "windows",
            ),
            Says("winerror 10060", 0.93, "windows"),
            Says("connection to server at {} failed: timeout expired", 0.9, "libpq"),
            Says("failed to connect to {} port {port}: timed out", 0.9, "curl"),
        ),
        when=(When("phase", "tls", 0.3), When("phase", "connect", 1.5)),
        apart="Not even TCP came about.",
    ),
    Entry(
        code="tls-not-started",
        title="The port accepts and then says nothing",
        rows=("P6",),
        side=Side.PEER,
        message=(
            "{peer} accepts connections on port {port|that was called} and does not start "
            "TLS within "
            "{expected|the time limit}."
        ),
        next_step=(
            "Look whether {peer} is overloaded, and whether a balancer or another service "
            "owns that port."
        ),
        says=(
            Says("the handshake operation timed out", 0.93, "python"),
            Says("ssl handshake is taking longer than {expected} seconds", 0.9, "python"),
            Says("handshake timed out", 0.88),
            Says("net/http: tls handshake timeout", 0.93, "go"),
            Says("tls handshake timeout", 0.93, "go"),
            Says("read timed out", 0.65, "java"),
            Says("sslexception: read timed out", 0.85, "java"),
            Says("sockettimeoutexception: read timed out", 0.7, "java"),
            Says("ssl connection timeout", 0.88, "curl"),
            Says("handshake did not complete within", 0.9, "java"),
            Says("handshake timeout", 0.85),
            Says("sslhandshaketimeoutexception", 0.9, "netty"),
        ),
        when=(When("phase", "tls", 2.0), When("phase", "connect", 0.3)),
        apart="TCP came about, TLS did not.",
    ),
    Entry(
        code="closed-early",
        title="The caller closed before it said anything",
        rows=("P7", "O6"),
        severity=Severity.NOTICE,
        side=Side.PEER,
        message=(
            "{peer} closed the connection during {phase|the handshake}, without a reason: a "
            "port scan, "
            "a health check, or a partner that did not accept this server."
        ),
        next_step=(
            "Look at {peer}'s log for the same minute; if {peer} is a partner, sottovoce "
            "check --partners "
            "asks it why."
        ),
        says=(
            Says("unexpected eof while reading", 0.6, "openssl"),
            Says("eof occurred in violation of protocol", 0.55, "python"),
            Says("ssl error syscall", 0.45, "openssl"),
            Says("ssl error eof", 0.5, "python"),
            Says("connection reset by peer", 0.5),
            Says("econnreset", 0.5, "node"),
            Says("an existing connection was forcibly closed by the remote host", 0.55, "windows"),
            Says("winerror 10054", 0.5, "windows"),
            Says("broken pipe", 0.5),
            Says("errno 104", 0.5, "python"),
            Says("errno 32", 0.45, "python"),
            Says("tls handshake error from {peer}: eof", 0.85, "go"),
            Says("handshake error from {peer}: eof", 0.8, "go"),
            Says("remote host terminated the handshake", 0.5, "java"),
            Says("remote host closed connection during handshake", 0.5, "java"),
            Says("ssl peer shut down incorrectly", 0.5, "java"),
            Says("peer closed connection in ssl handshake", 0.8, "nginx"),
            Says("client prematurely closed connection", 0.7, "nginx"),
            Says(
                "client network socket disconnected before secure tls connection was established",
                0.75,
                "node",
            ),
            Says("the tls connection was non-properly terminated", 0.6, "gnutls"),
            Says("tls handshake eof", 0.7, "rustls"),
            Says("peer closed connection without sending tls close notify", 0.6, "rustls"),
            Says("pr end of file error", 0.5, "nss"),
            Says("empty reply from server", 0.4, "curl"),
            Says("received an unexpected eof or 0 bytes from the transport stream", 0.7, "dotnet"),
            Says("the tls/ssl connection has been closed", 0.5),
            Says("handshake is not finished", 0.2),
        ),
        when=(When("side", "accepting", 1.5), When("side", "caller", 0.8)),
        apart=(
            "Nothing but the end of the connection was seen: only the other side's log has "
            "the reason."
        ),
    ),
    Entry(
        code="name-not-resolved",
        title="The host name cannot be resolved",
        rows=("P8",),
        side=Side.OWN,
        message="{own} cannot resolve {expected|the host name of its partner} to an address.",
        next_step=(
            "Correct the name in this component's ini file, the DNS or /etc/hosts, or set "
            "the partner's address there."
        ),
        says=(
            Says("name or service not known", 0.95, "python"),
            Says("nodename nor servname provided, or not known", 0.95, "macos"),
            Says("temporary failure in name resolution", 0.93, "python"),
            Says("no address associated with hostname", 0.9, "python"),
            Says("unknownhostexception: {expected}", 0.95, "java"),
            Says("unknownhostexception", 0.93, "java"),
            Says("lookup {expected} on {}: no such host", 0.95, "go"),
            Says("lookup {expected}: no such host", 0.95, "go"),
            Says("no such host", 0.9, "go"),
            Says("could not resolve host: {expected}", 0.95, "curl"),
            Says("could not resolve host", 0.93, "curl"),
            Says("enotfound", 0.93, "node"),
            Says("eai again", 0.9, "node"),
            Says("nxdomain", 0.9, "erlang"),
            Says("getaddrinfo failed", 0.93, "windows"),
            Says("host not found in upstream", 0.9, "nginx"),
            Says("could not be resolved", 0.85, "nginx"),
            Says("[errno -2]", 0.9, "python"),
            Says("[errno -3]", 0.88, "python"),
            Says("failed to lookup address information", 0.93, "rust"),
            Says("cannot be resolved on {own}", 0.95, "sottovoce"),
        ),
    ),
    Entry(
        code="half-secured",
        title="Some servers are secured and some are not",
        rows=("P9",),
        side=Side.BOTH,
        message=(
            "Secured: {expected|some servers}. Not secured: {presented|the others}. "
            "Connections between them cannot work."
        ),
        next_step=(
            "Finish securing {presented|the others}, or roll back by removing "
            "commands/ssl.ini everywhere."
        ),
        says=(Says("connections cannot work. finish", 0.95, "sottovoce"),),
    ),
    Entry(
        code="mode-mismatch",
        title="One side is secured, the other is not",
        rows=("P9", "P2"),
        side=Side.BOTH,
        message=(
            "{own} is {expected|in one mode} and {peer} is {presented|in the other}; both "
            "must be secured or both plain."
        ),
        next_step=(
            "Give the plain server its commands/ssl.ini and restart it (sottovoce check "
            "shows which one)."
        ),
        says=(Says("sottovoce/1 plain", 0.8, "sottovoce"),),
    ),
    Entry(
        code="port-in-use",
        title="The port is taken",
        rows=("P3",),
        side=Side.OWN,
        message=(
            "{own} cannot listen on port {port|it is set to}: {presented|another program} "
            "listens there."
        ),
        next_step="Stop the other program (ss -ltnp shows it), or set another port in server.ini.",
        says=(
            Says("address already in use", 0.95),
            Says("eaddrinuse", 0.95, "node"),
            Says("[errno 98]", 0.93, "python"),
            Says("only one usage of each socket address", 0.95, "windows"),
            Says("winerror 10048", 0.95, "windows"),
            Says("port {port} is already in use", 0.93),
        ),
    ),
    Entry(
        code="port-not-permitted",
        title="The port may not be opened",
        side=Side.OWN,
        message=(
            "{own} may not listen on port {port|it is set to}: {why|the operating system "
            "forbids it}."
        ),
        next_step=(
            "Set a port of 1024 or more in server.ini, or grant CAP_NET_BIND_SERVICE; check "
            "that the address is this host's."
        ),
        says=(
            Says("bind: permission denied", 0.93, "go"),
            Says("bind() to {} failed (13: permission denied)", 0.95, "nginx"),
            Says("cannot assign requested address", 0.85),
            Says("eaddrnotavail", 0.85, "node"),
            Says("[errno 99]", 0.85, "python"),
        ),
    ),
    Entry(
        code="too-many-handshakes",
        title="Too many unfinished connections from one address",
        rows=("P7",),
        side=Side.PEER,
        message=(
            "{own} refused {peer}: {presented|too many} unfinished connections from that "
            "address, {expected|fewer} are allowed."
        ),
        next_step="Look what calls from {peer}; the limit is lifted as soon as some have ended.",
    ),
    Entry(
        code="phase-timeout",
        title="A step took too long",
        rows=("P6",),
        side=Side.PEER,
        message=(
            "{peer} did not finish {phase|a step of the connection} within {expected|its "
            "time limit}."
        ),
        next_step=(
            "Look at the load of {peer} and at the network between; sottovoce check "
            "--partners times each step."
        ),
        says=(Says("did not finish {phase} within", 0.8, "sottovoce"),),
    ),
    Entry(
        code="connect-failed",
        title="No connection came about",
        rows=("P4", "P5"),
        side=Side.BOTH,
        message="{own} could not reach {peer}: {why|no byte could be exchanged}.",
        next_step="Run sottovoce check --partners: it tells name, route, port and firewall apart.",
    ),
)
