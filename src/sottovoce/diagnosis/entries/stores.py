"""Entries of the family *running*: databases, disks, ports and the protocol between servers."""

from sottovoce.diagnosis.entry import Entry, Says, Severity, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="store-busy",
        title="The database is busy",
        severity=Severity.WARNING,
        message="The database {file|} has been written by another process for too long.",
        next_step="Try again; if that fails too, look for a command that hangs.",
        says=(
            Says("database is locked", 0.93, "sqlite"),
            Says("database table is locked", 0.9, "sqlite"),
        ),
    ),
    Entry(
        code="store-damaged",
        title="The database is damaged",
        message="The content of the database {file|} is damaged.",
        next_step="Stop the server and restore the file from a backup.",
        says=(
            Says("database disk image is malformed", 0.97, "sqlite"),
            Says("file is not a database", 0.95, "sqlite"),
        ),
    ),
    Entry(
        code="store-full",
        title="The disk is full",
        message="The database {file|} cannot grow: the disk is full.",
        next_step="Free space on its disk.",
        says=(
            Says("database or disk is full", 0.97, "sqlite"),
            Says("no space left on device", 0.95, "any"),
            Says("[errno 28]", 0.93, "python"),
        ),
    ),
    Entry(
        code="store-io",
        title="The disk reports an error",
        message="The system reports an error of reading or writing the database {file|}.",
        next_step="Look at the system's log and at the disk.",
        says=(
            Says("disk i/o error", 0.95, "sqlite"),
            Says("[errno 5] input/output error", 0.9, "python"),
        ),
    ),
    Entry(
        code="store-unwritable",
        title="The database may not be written",
        message="The database {file|} may not be opened or written.",
        next_step="Give the user that runs this program write access to the file and its folder.",
        says=(
            Says("attempt to write a readonly database", 0.95, "sqlite"),
            Says("unable to open database file", 0.95, "sqlite"),
            Says("read-only file system", 0.85, "any"),
        ),
    ),
    Entry(
        code="port-unavailable",
        title="The port cannot be opened",
        rows=("P3",),
        message=(
            "{own} cannot listen on {port|the port it is set to}: {why|the operating system "
            "declines}."
        ),
        next_step="Check BindAddress and the ports in server.ini, and that this user may use them.",
    ),
    Entry(
        code="port-not-allowed",
        title="A port below 1024 needs a right",
        message="{port|The port that is set} is below 1024, and this user may not open it.",
        next_step=(
            "Choose a port from 1024 on, with a reverse proxy before it, or grant "
            "CAP_NET_BIND_SERVICE."
        ),
        says=(
            Says("bind: permission denied", 0.93, "go"),
            Says("bind() to {} failed (13: permission denied)", 0.95, "nginx"),
        ),
    ),
    Entry(
        code="port-not-opened",
        title="The web pages cannot be opened",
        message="The web pages cannot be opened: {why|the operating system declines}.",
        next_step="Choose another address or port.",
    ),
    Entry(
        code="address-not-here",
        title="This machine has no such address",
        message="{own} cannot listen on {presented|that address}: this machine does not have it.",
        next_step="Name an address that `ip address` lists, or 0.0.0.0 for all.",
        says=(
            Says("cannot assign requested address", 0.9, "any"),
            Says("eaddrnotavail", 0.9, "node"),
            Says("[errno 99]", 0.9, "python"),
        ),
    ),
    Entry(
        code="not-secured",
        title="Component communication is not encrypted",
        rows=("C6", "P9"),
        severity=Severity.WARNING,
        message="{own} has no commands/ssl.ini: its component communication is not encrypted.",
        next_step=(
            "Secure all servers of the installation (sottovoce secure leads through it), or none."
        ),
    ),
    Entry(
        code="unsafe-plain-network",
        title="Unencrypted ports are open to the network",
        rows=("P9",),
        severity=Severity.WARNING,
        message=(
            "{own} was started with --unsafe-plain-network: its unencrypted ports are open to "
            "the network."
        ),
        next_step=(
            "Secure all servers (sottovoce secure leads through it), and start without that option."
        ),
    ),
    Entry(
        code="frame-too-long",
        title="A message that is too long",
        side=Side.PEER,
        message=(
            "{peer} announced a message that is too long ({presented|more bytes than are taken}); "
            "taken are at most {expected|a bounded number}."
        ),
        next_step="Update the older of the two servers; keep both logs if both are current.",
    ),
    Entry(
        code="too-many-calls",
        title="Too many calls at once",
        side=Side.PEER,
        message="{peer} has more calls under way than are allowed at once.",
        next_step="Update the older of the two servers; keep both logs if both are current.",
    ),
    Entry(
        code="going-away",
        title="The channel closed before the call began",
        severity=Severity.NOTICE,
        side=Side.PEER,
        message="The channel to {peer} closed before the call began; it was not carried out.",
        next_step="Nothing to do: it is made again on the next channel.",
    ),
    Entry(
        code="cut-short",
        title="The connection ended while a call was carried out",
        severity=Severity.WARNING,
        side=Side.PEER,
        message=(
            "{peer} ended the connection while a call was carried out; whether it was finished is "
            "unknown."
        ),
        next_step="Nothing to do: it is asked again; what may be repeated is repeated.",
    ),
    Entry(
        code="caller-unexpected",
        title="LUI called from an unexpected server",
        rows=("P3",),
        side=Side.BOTH,
        message="{own} takes calls of LUI on {expected|one server}, not of {presented|another}.",
        next_step="If LUI has moved there, change LuiHost in trk/tracker.ini.",
    ),
    Entry(
        code="protocol-local",
        title="This program would have broken the protocol",
        message="This program would have broken the protocol: {why|see the log}.",
        next_step="That is a mistake in this program: keep the log and report it.",
    ),
    Entry(
        code="error",
        title="Something went wrong",
        message="Something went wrong: {why|see the log}.",
        next_step="Look at the log at that minute.",
    ),
    Entry(
        code="event-not-stored",
        title="An event could not be stored",
        message=(
            "An event could not be stored: {why|TRK takes no more at the moment}; the recipient "
            "was told to try again."
        ),
        next_step="Look at the disk and the load of TRK.",
    ),
    Entry(
        code="ini-too-large",
        title="The INI file is too large",
        rows=("C6",),
        message=(
            "The file has {presented|more bytes than settings take}; taken are {expected|only so "
            "many}."
        ),
        next_step="Check that this is the file that was meant.",
    ),
    Entry(
        code="ini-trailing-blank",
        title="A value that ends in a blank",
        rows=("C4",),
        severity=Severity.WARNING,
        message=(
            "The value of {key|an entry} ends in a blank, which belongs to it here and is cut "
            "off by other readers."
        ),
        next_step='Remove the blank; if it is meant, write it as "\\ ".',
    ),
    Entry(
        code="file-unwritable",
        title="A file cannot be written",
        rows=("K4",),
        message="{file|The file} cannot be written: {why|the operating system declines}.",
        next_step="Give this user write access to the folder, or name another file.",
    ),
    Entry(
        code="left-behind",
        title="A killed process has left something",
        severity=Severity.WARNING,
        message=(
            "{file|A hidden file or folder} was left by a process that was killed while it wrote; "
            "nobody reads it, and it may hold a key."
        ),
        next_step="Remove it; the next 'sottovoce join' or 'init' at that place does so by itself.",
    ),
    Entry(
        code="import-failed",
        title="No entry was imported",
        rows=("K14",),
        message="No entry could be imported: {why|see the entries named}.",
        next_step="Follow the reason named for each entry, then import them again.",
    ),
    Entry(
        code="ack-beyond",
        title="More was acknowledged than there is",
        side=Side.PEER,
        message="{peer} acknowledged {presented|a number} beyond {expected|the last event}.",
        next_step="Was TRK's store restored? The report marks the span; keep both logs if not.",
    ),
    Entry(
        code="pull-invalid",
        title="A pull of events outside its bounds",
        side=Side.PEER,
        message="{peer} asked for events outside the bounds: {why|see its log}.",
        next_step="Update the older of the two servers.",
    ),
    Entry(
        code="job-invalid",
        title="TRK cannot store the job",
        side=Side.PEER,
        message="TRK cannot store the job: {why|see its log}.",
        next_step="Update the older of the two servers; keep both logs if both are current.",
    ),
    Entry(
        code="audit-disorder",
        title="Lines of the audit trail are missing or out of order",
        severity=Severity.WARNING,
        side=Side.PEER,
        message="The audit trail of {peer} has a gap: {why|numbers are missing or out of order}.",
        next_step="Compare with the log on that server; a restored database explains it.",
    ),
)
