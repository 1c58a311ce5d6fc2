"""Entries of the family *allowed list*: a good certificate, and who may come in (A1-A6)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Severity, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="not-in-allowed-list",
        title="The name is not in the allowed list",
        rows=("A1", "A4"),
        side=Side.OWN,
        message=(
            "{own} refused {peer}: its certificate is good, its name {presented|} is not in "
            "SSLAllowedClients ({expected|the list in commands/ssl.ini})."
        ),
        next_step=(
            "If it belongs here, add {presented|its name} to SSLAllowedClients in {own}'s "
            "commands/ssl.ini, exactly as the certificate spells it."
        ),
        says=(
            Says("commonname authentication failed", 0.93, "etcd"),
            Says("cn authentication failed", 0.9, "etcd"),
            Says("name not in sslallowedclients", 0.96, "sottovoce"),
            Says("is not in {}'s allowed list", 0.95, "sottovoce"),
            Says("unauthorized: principal not in allowed list", 0.9, "ghostunnel"),
            Says("no valid principals found", 0.85),
            Says("failed verification: cn {presented} not authorized", 0.9),
            Says("certificate authentication failed for user '{presented}'", 0.85, "postgresql"),
            Says("unauthorized: invalid principal, or principal not allowed", 0.95, "ghostunnel"),
            Says("invalid principal, or principal not allowed", 0.94, "ghostunnel"),
            Says("client certificate cn not allowed", 0.9),
            Says("access denied: certificate name", 0.7),
        ),
        alerts=(
            Alert("openssl", "access_denied", 0.8),
            Alert("java", "access_denied", 0.8),
            Alert("go", "bad_certificate", 0.25),
        ),
        apart="The refusing side's log calls the certificate good; only the name is missing.",
    ),
    Entry(
        code="own-name-missing",
        title="The server does not allow itself",
        rows=("A2",),
        side=Side.OWN,
        message=(
            "This server's SSLAllowedClients is {presented|without its own name}; needed is "
            "{expected|a list with it}: components on this host call each other through the same "
            "port."
        ),
        next_step="Add the server's own name to SSLAllowedClients in commands/ssl.ini.",
        says=(Says("does not allow itself", 0.95, "sottovoce"),),
    ),
    Entry(
        code="allowed-name-unused",
        title="A name in the allowed list that belongs to no server",
        rows=("A4",),
        severity=Severity.WARNING,
        side=Side.OWN,
        message=(
            "{presented|A name} is in SSLAllowedClients, no setting names it, and it was never "
            "seen."
        ),
        next_step="Remove it, or correct it if it was meant to be another.",
        says=(Says("no setting names it, and it was never seen", 0.95, "sottovoce"),),
    ),
    Entry(
        code="ini-list-blanks",
        title="Blanks in the allowed list",
        rows=("A3", "C3"),
        side=Side.OWN,
        message=(
            "SSLAllowedClients has blanks ({presented|around a comma}): a name with a blank before "
            "it matches no certificate."
        ),
        next_step="Write the names with commas and no blanks: hub.test,trk.test.",
        says=(Says("sslallowedclients has blanks", 0.97, "sottovoce"),),
    ),
    Entry(
        code="allowed-list-empty",
        title="The allowed list is empty",
        rows=("A5",),
        side=Side.OWN,
        message="{own}'s SSLAllowedClients is empty: nobody may connect, not even {own} itself.",
        next_step=(
            "List the names of all servers of the installation in {own}'s SSLAllowedClients, its "
            "own included."
        ),
        says=(Says("sslallowedclients is empty", 0.97, "sottovoce"),),
    ),
    Entry(
        code="not-reloaded",
        title="The file was changed and not read again",
        rows=("A6", "O3"),
        side=Side.OWN,
        severity=Severity.WARNING,
        message=(
            "In force is {expected|what was read at the last start or reload}; on disk is "
            "{presented|something newer}, not yet read."
        ),
        next_step=(
            "Run sottovoce reload, which says what came of it; changed files are read by "
            "themselves, too."
        ),
        says=(Says("file changed {}, not yet read", 0.95, "sottovoce"),),
    ),
    Entry(
        code="role-not-granted",
        title="The certificate does not grant this role",
        rows=("A1",),
        side=Side.BOTH,
        message=(
            "{own} refused {peer}: it acts as {presented|a component} and its certificate or the "
            "roster grants {expected|another role}."
        ),
        next_step=(
            "Have {peer}'s certificate issued with the role it needs, or correct Components in "
            "its server.ini."
        ),
        alerts=(Alert("openssl", "access_denied", 0.15),),
    ),
    Entry(
        code="component-unexpected",
        title="Another component than the one that was called",
        rows=("P3",),
        side=Side.BOTH,
        message=(
            "{own} expected this component on {expected|another server} and met it on {presented|a "
            "different one}."
        ),
        next_step=(
            "Correct the place of that component in the settings, on whichever side it is wrong."
        ),
        when=(When("phase", "greeting", 1.2),),
    ),
)
