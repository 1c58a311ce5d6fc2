"""Entries of the family *network*: plaintext and wrong services (P1-P3, P9)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="plaintext-peer",
        title="An unsecured server spoke to a secured one",
        rows=("P1",),
        side=Side.PEER,
        message=(
            "{peer} spoke without encryption to {port|a port of this secured server} (first bytes: "
            "{presented|not TLS})."
        ),
        next_step="Secure {peer} too (commands/ssl.ini, then restart): security is all or nothing.",
        says=(
            Says("server is configured to only allow ssl connections", 0.93, "mongodb"),
            Says("connections using insecure transport are prohibited", 0.95, "mysql"),
            Says("unsupported record type", 0.8, "erlang"),
            Says("oversized record received", 0.6, "go"),
            Says("unknown protocol", 0.4, "openssl"),
            Says("unsupported or unrecognized ssl message", 0.5, "java"),
            Says("unrecognized ssl message, plaintext connection?", 0.5, "java"),
            Says("wrong version number", 0.4, "openssl"),
            Says("not an ssl/tls record: {presented}", 0.8, "elasticsearch"),
            Says("not an ssl/tls record: 4a524d49{}", 0.95, "java"),
            Says("notsslrecordexception", 0.75, "netty"),
            Says("tls: first record does not look like a tls handshake", 0.55, "go"),
            Says("first record does not look like a tls handshake", 0.55, "go"),
            Says("received plaintext traffic on an encrypted channel", 0.9, "elasticsearch"),
            Says("plaintext http traffic on an https channel", 0.6, "elasticsearch"),
            Says("bad packet length", 0.5, "openssl"),
            Says("tls: unsupported sslv2 handshake received", 0.6, "go"),
            Says("an unexpected tls packet was received", 0.5, "gnutls"),
            Says("received corrupt message of type invalidcontenttype", 0.5, "rustls"),
            Says("corrupt message", 0.3, "rustls"),
            Says("packet length too long", 0.4, "openssl"),
            Says("record layer failure", 0.3, "openssl"),
            Says("spoke without encryption to port {port}", 0.95, "sottovoce"),
            Says("speaks only to its partners, and only over mutual tls", 0.9, "sottovoce"),
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
            "{peer} answers without encryption on {port|the port that was called}: it has no "
            "commands/ssl.ini, or was not restarted since it got one."
        ),
        next_step="Give {peer} its commands/ssl.ini and restart it; then all servers are secured.",
        says=(
            Says("is required, but the server does not support it", 0.93, "mysql"),
            Says("oversized record received", 0.6, "go"),
            Says("ssl routines:{}:unknown protocol", 0.6, "openssl"),
            Says("sec e invalid token", 0.5, "schannel"),
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
            "{peer} called with {presented|TLS}; {own} is not secured and expected {expected|plain "
            "speech}."
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
            "{peer} answered on {port|the port that was called} with {presented|bytes of another "
            "protocol}; expected was {expected|a server of this installation}."
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
            Says("no application protocol", 0.4, "openssl"),
            Says("no matching application layer protocol values", 0.85, "java"),
            Says("tls: client requested unsupported application protocols", 0.85, "go"),
            Says("non-jrmp server at remote endpoint", 0.6, "java"),
        ),
        alerts=(
            Alert("openssl", "no_application_protocol", 0.7),
            Alert("java", "no_application_protocol", 0.7),
            Alert("go", "no_application_protocol", 0.7),
        ),
        when=(When("peer-mode", "plain", 0.3),),
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
            "{peer} spoke HTTP to {port|a port of this server} ({presented|a browser, a monitor or "
            "a proxy}); this port takes only servers of the installation."
        ),
        next_step="Point that browser, monitor or proxy at the web port, or at nothing.",
        says=(
            Says("unsupported record type,71", 0.9, "erlang"),
            Says("unsupported record type,72", 0.9, "erlang"),
            Says("unsupported record type,80", 0.9, "erlang"),
            Says("oversized record received with length 20037", 0.93, "go"),
            Says("oversized record received with length 20527", 0.93, "go"),
            Says("oversized record received with length 21536", 0.93, "go"),
            Says("oversized record received with length 18767", 0.93, "go"),
            Says("oversized record received with length 17748", 0.93, "go"),
            Says("http request", 0.3, "openssl"),
            Says("[ssl: http request] http request", 0.93, "python"),
            Says("ssl routines::http request", 0.93, "openssl"),
            Says("ssl routines:{}:http request", 0.9, "openssl"),
            Says("https proxy request", 0.7, "openssl"),
            Says("notsslrecordexception: not an ssl/tls record: 474554{}", 0.95, "netty"),
            Says("notsslrecordexception: not an ssl/tls record: 504f53{}", 0.95, "netty"),
            Says("notsslrecordexception: not an ssl/tls record: 48545450{}", 0.95, "netty"),
            Says("not an ssl/tls record: 474554{}", 0.95, "netty"),
            Says("not an ssl/tls record: 504f53{}", 0.95, "netty"),
            Says("not an ssl/tls record: 48545450{}", 0.95, "netty"),
            Says("the plain http request was sent to https port", 0.95, "nginx"),
            Says("client sent an http request to an https server", 0.95, "go"),
            Says("server gave http response to https client", 0.9, "go"),
            Says("this combination of host and port requires tls", 0.93, "tomcat"),
            Says("plaintext http traffic on an https channel", 0.9, "elasticsearch"),
            Says("this is not an http port", 0.9, "elasticsearch"),
            Says("received http/0.9 when not allowed", 0.5, "curl"),
            Says("and only over mutual tls; http belongs to the web port", 0.97, "sottovoce"),
        ),
        when=(When("side", "caller", 0.6),),
        apart="The first bytes are 'GET ' or 'POST ' (or 'HTTP/1.' from the called side).",
    ),
    Entry(
        code="half-secured",
        title="Some servers are secured and some are not",
        rows=("P9",),
        side=Side.BOTH,
        message=(
            "Some servers of the installation are secured and some are not ({presented|connections "
            "between them cannot work}); needed is {expected|one mode for all}."
        ),
        next_step=(
            "Finish securing all servers, or roll back by removing commands/ssl.ini everywhere."
        ),
        says=(Says("connections cannot work. finish", 0.95, "sottovoce"),),
    ),
    Entry(
        code="mode-mismatch",
        title="One side is secured, the other is not",
        rows=("P9", "P1", "P2"),
        side=Side.BOTH,
        message=(
            "One of {own} and {peer} is secured and the other is not: expected was {expected|a "
            "partner in the same mode}, met was {presented|one in the other}."
        ),
        next_step=(
            "Give the plain server its commands/ssl.ini and restart it (sottovoce edges shows "
            "which one)."
        ),
        says=(
            Says("sottovoce/1 plain", 0.8, "sottovoce"),
            Says("15 03 03 00 02 02 0a", 0.9, "java"),
            Says("connection reset by peer", 0.2),
        ),
        when=(When("own-mode", "plain", 5.0),),
        apart="This server has no commands/ssl.ini and the other one has, or the other way round.",
    ),
)
