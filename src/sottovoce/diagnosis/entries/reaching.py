"""Entries of the family *network*, second part: reaching a partner at all (P4-P8)."""

from sottovoce.diagnosis.entry import Entry, Says, Severity, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="connection-refused",
        symptom=True,
        title="Nothing accepts connections there",
        rows=("P4",),
        side=Side.PEER,
        message=(
            "{own} could not reach {peer}: nothing accepts on {port|the port that was called} "
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
        code="server-not-running",
        title="No server runs on this home",
        rows=("P4",),
        severity=Severity.WARNING,
        side=Side.OWN,
        message="No server runs on {file|this home}, so its partners cannot call it.",
        next_step="Start it: sottovoce start --home DIR.",
        says=(Says("no server runs on", 0.95, "sottovoce"),),
    ),
    Entry(
        code="partner-never-seen",
        title="A partner has never called",
        rows=("P4", "P5"),
        severity=Severity.WARNING,
        side=Side.PEER,
        message="{peer} has never called {own}, as far as security.log goes back.",
        next_step="Look whether {peer} runs, and run sottovoce check --partners there.",
        says=(Says("has never called", 0.9, "sottovoce"),),
    ),
    Entry(
        code="no-answer",
        symptom=True,
        title="No answer: a firewall, or the host is down",
        rows=("P5",),
        side=Side.BOTH,
        message=(
            "{own} got no answer from {peer} on {port|the port that was called} ({expected|one "
            "within the time limit} was due): typical for a firewall that drops packets, or a host "
            "that is down."
        ),
        next_step=(
            "Let the firewalls on the way pass that port, or start the host; another port that "
            "answers tells which."
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
        symptom=True,
        title="The port accepts and then says nothing",
        rows=("P6",),
        side=Side.PEER,
        message=(
            "{peer} accepts connections on {port|the port that was called} and does not start TLS; "
            "due was {expected|an answer within the time limit}."
        ),
        next_step=(
            "Look whether {peer} is overloaded, and whether a balancer or another service owns "
            "that port."
        ),
        says=(
            Says("client failed to connect with: read tcp {}: i/o timeout", 0.85, "go"),
            Says("read tcp {}: i/o timeout", 0.75, "go"),
            Says("the handshake operation timed out", 0.93, "python"),
            Says("ssl handshake is taking longer than {} seconds", 0.9, "python"),
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
        symptom=True,
        title="The caller closed before the connection stood",
        rows=("P7", "O6"),
        severity=Severity.NOTICE,
        side=Side.PEER,
        message=(
            "{peer} closed the connection before it stood, without a reason: a port scan, a health "
            "check, or a partner that did not accept this server."
        ),
        next_step=(
            "Look at {peer}'s log for the same minute; if {peer} is a partner, sottovoce edges "
            "shows its last refusal."
        ),
        says=(
            Says("ssl read: {}unexpected eof while reading", 0.8, "curl"),
            Says("client failed to connect with: eof", 0.8, "go"),
            Says("error 'eof'", 0.7, "go"),
            Says("connection closed by peer", 0.45, "any"),
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
            "Nothing but the end of the connection was seen: only the other side's log has the "
            "reason."
        ),
    ),
    Entry(
        code="name-not-resolved",
        title="The host name cannot be resolved",
        rows=("P8",),
        side=Side.OWN,
        message=(
            "{own} cannot find {expected|the address of its partner}: the name is not resolved."
        ),
        next_step=(
            "Correct the name in this component's ini file, the DNS or /etc/hosts, or set the "
            "partner's address there."
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
        code="port-in-use",
        title="The port is taken",
        rows=("P3",),
        side=Side.OWN,
        message=(
            "{own} cannot listen on {port|the port it is set to}: {presented|another program} "
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
        code="too-many-handshakes",
        title="Too many unfinished connections from one address",
        rows=("P7",),
        side=Side.PEER,
        message=(
            "{own} refused {peer}: {presented|too many unfinished connections} from that address; "
            "allowed is {expected|a bounded number}."
        ),
        next_step="Look what calls from {peer}; the limit is lifted as soon as some have ended.",
    ),
    Entry(
        code="phase-timeout",
        symptom=True,
        title="A step took too long",
        rows=("P6",),
        side=Side.PEER,
        message=(
            "{peer} did not finish {phase|a step of the connection}; due was {expected|its next "
            "word within the time limit}."
        ),
        next_step=(
            "Look at the load of {peer} and at the network between; sottovoce check --partners "
            "times each step."
        ),
        says=(Says("did not finish {phase} within", 0.8, "sottovoce"),),
    ),
    Entry(
        code="connect-failed",
        symptom=True,
        title="No connection came about",
        rows=("P4", "P5"),
        side=Side.BOTH,
        message="{own} could not reach {peer}: {why|no byte could be exchanged}.",
        next_step="Run sottovoce check --partners: it tells name, route, port and firewall apart.",
        says=(
            Says("unable to connect to", 0.4, "any"),
            Says("failed to connect to", 0.4, "any"),
            Says("could not connect to", 0.4, "any"),
        ),
    ),
)
