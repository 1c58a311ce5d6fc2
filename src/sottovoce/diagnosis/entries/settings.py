"""Entries of the family *settings*: INI files, paths, permissions (C1-C6, K3, K4, K12)."""

from sottovoce.diagnosis.entry import Entry, Says, Severity

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="ini-unknown-key",
        title="An unknown key in an INI file",
        rows=("C6",),
        message=(
            "Unknown key {key|}: a half-written file must never mean 'unsecured', so nothing "
            "starts."
        ),
        next_step="Write it as one of {expected|the documented keys}, or remove the line.",
        says=(Says("unknown key '{key}'", 0.9, "sottovoce"),),
    ),
    Entry(
        code="ini-repeated-key",
        title="A key stands twice in an INI file",
        rows=("C6",),
        message=(
            "The key {key|} stands more than once ({presented|see both lines}); which one counts "
            "is not said."
        ),
        next_step="Keep one of the lines.",
        says=(
            Says("duplicateoptionerror", 0.85, "python"),
            Says("already exists", 0.05),
            Says("stands more than once", 0.9, "sottovoce"),
        ),
    ),
    Entry(
        code="ini-missing-key",
        title="A key is missing from an INI file",
        rows=("C6",),
        message="The entry {key|that is required} is missing; needed is {expected|its value}.",
        next_step="Add the line {key|} with its value.",
        says=(
            Says("nooptionerror", 0.8, "python"),
            Says("no option '{key}' in section", 0.85, "python"),
        ),
    ),
    Entry(
        code="ini-bad-value",
        title="A value that is not acceptable",
        rows=("C6",),
        message=(
            "{key|An entry} has the value {presented|that was given}; needed is {expected|another "
            "kind of value}."
        ),
        next_step="Correct the value of {key|that entry}.",
        says=(Says("numberformatexception", 0.4, "java"),),
    ),
    Entry(
        code="ini-empty-value",
        title="A key without a value",
        rows=("C6", "A5"),
        message="{key|An entry} has no value; needed is {expected|one}.",
        next_step="Write the value after the key, or remove the line.",
    ),
    Entry(
        code="ini-relative-path",
        title="A relative path",
        rows=("C1",),
        message=(
            "{key|A path} is relative ({presented|it does not begin at the root}): it would mean "
            "another file, depending on where the server was started."
        ),
        next_step="Write the full path: {expected|an absolute path, beginning with /}.",
        says=(Says("sslkeystorepath is relative", 0.95, "sottovoce"),),
    ),
    Entry(
        code="ini-single-backslash",
        title="Single backslashes in a path or value",
        rows=("C2", "C4"),
        message=(
            "{key|A value} has single backslashes ({presented|as in a Windows path}): readers of "
            "this format drop them, or turn \\n into a line break."
        ),
        next_step=(
            "Double each backslash, or write the path with slashes (C:/security/keystore.p12)."
        ),
        says=(
            Says("has single backslashes", 0.95, "sottovoce"),
            Says(
                "the filename, directory name, or volume label syntax is incorrect", 0.7, "windows"
            ),
            Says("winerror 123", 0.7, "windows"),
            Says("invalid escape sequence", 0.6),
        ),
    ),
    Entry(
        code="ini-malformed-escape",
        title="A malformed \\u escape",
        rows=("C2",),
        message=(
            "{key|A value} has \\u without four hexadecimal digits after it (often a Windows path "
            "such as C:\\users)."
        ),
        next_step="Double each backslash, or write the path with slashes: C:/users/….",
        says=(
            Says("malformed \\uxxxx encoding", 0.97, "java"),
            Says("unicodeescape' codec can't decode", 0.85, "python"),
        ),
    ),
    Entry(
        code="ini-byte-order-mark",
        title="A byte-order mark at the start of the file",
        rows=("C5",),
        severity=Severity.WARNING,
        message=(
            "The file begins with a byte-order mark, which other readers take as part of the first "
            "key."
        ),
        next_step="Save it as UTF-8 without a byte-order mark.",
        says=(
            Says("unexpected utf-8 bom", 0.9, "python"),
            Says("\\ufeff", 0.8, "python"),
            Says("byte order mark", 0.8),
        ),
    ),
    Entry(
        code="ini-malformed",
        title="Text that is no INI file",
        rows=("C5", "C4"),
        message="The file cannot be read as key and value lines: {why|see the line named}.",
        next_step="Write one key = value on each line; # begins a comment.",
        says=(
            Says("file contains no section headers", 0.9, "python"),
            Says("missingsectionheadererror", 0.9, "python"),
            Says("source contains parsing errors", 0.85, "python"),
            Says("configparser.parsingerror", 0.85, "python"),
            Says("interpolationsyntaxerror", 0.75, "python"),
            Says("'%' must be followed by '%' or '('", 0.85, "python"),
        ),
    ),
    Entry(
        code="ini-encoding",
        title="The file is not UTF-8",
        rows=("C5",),
        severity=Severity.WARNING,
        message="The file is not valid UTF-8; it was read as ISO-8859-1.",
        next_step="Save it as UTF-8.",
        says=(
            Says("'utf-8' codec can't decode byte", 0.88, "python"),
            Says("unicodedecodeerror", 0.8, "python"),
            Says("malformedinputexception", 0.8, "java"),
        ),
    ),
    Entry(
        code="file-not-owner-only",
        title="A secret file that others may read",
        rows=("K12",),
        message=(
            "{file|The file} holds a secret and others may read it ({presented|its mode is too "
            "wide}; needed is {expected|mode 0600})."
        ),
        next_step="Run chmod 600 {file|FILE}, and change the password if others had access.",
        says=(
            Says("file must have permissions u=rw (0600) or less", 0.95, "postgresql"),
            Says("is readable by everyone", 0.9, "sottovoce"),
            Says("has group or world access", 0.95, "postgresql"),
            Says("private key file '{file}' has group or world access", 0.96, "postgresql"),
            Says("unprotected private key file", 0.95, "ssh"),
            Says("key file permissions are too open", 0.93),
            Says("permissions {presented} for '{file}' are too open", 0.95, "ssh"),
            Says("has permissions {presented}, exceeds {expected}", 0.95, "cockroach"),
            Says("exceeds -rw-------", 0.9, "cockroach"),
            Says("exceeds -rwx------", 0.9, "cockroach"),
        ),
    ),
    Entry(
        code="keystore-password-twice",
        title="The keystore's password stands in two places",
        rows=("C6",),
        message=(
            "The password of the keystore is given twice ({presented|in ssl.ini and by "
            "server.ini}): which of the two counts is not said, so nothing starts."
        ),
        next_step=(
            "Keep one: remove SSLKeystorePassword from commands/ssl.ini, or KeystorePasswordFile "
            "or KeystorePasswordCredential from server.ini."
        ),
        says=(Says("the password of the keystore stands here, and", 0.9, "sottovoce"),),
    ),
    Entry(
        code="credential-missing",
        title="A systemd credential is not there",
        rows=("K3",),
        message=(
            "The password is to come from the systemd credential that "
            "{key|KeystorePasswordCredential} in server.ini names, and there is none of that name "
            "({presented|no such credential})."
        ),
        next_step=(
            "Start the server by its unit, with LoadCredential=NAME:/PATH or "
            "LoadCredentialEncrypted=NAME:/PATH there, and the same NAME in server.ini."
        ),
        says=(
            Says("failed to set up credentials", 0.95, "systemd"),
            Says("failed at step credentials", 0.95, "systemd"),
            Says("status=243/credentials", 0.95, "systemd"),
            Says("credentials_directory is not set", 0.95, "sottovoce"),
        ),
    ),
    Entry(
        code="file-missing",
        title="A file does not exist",
        rows=("K3", "C1"),
        message="{file|A file that is named in the settings} does not exist.",
        next_step="Correct the path, or put the file there.",
        says=(
            Says("error setting certificate verify locations", 0.9, "curl"),
            Says("problem with the ssl ca cert", 0.5, "curl"),
            Says("no such file or directory", 0.85),
            Says("[errno 2]", 0.8, "python"),
            Says("filenotfoundexception", 0.85, "java"),
            Says("nosuchfileexception", 0.88, "java"),
            Says("enoent", 0.85, "node"),
            Says("the system cannot find the file specified", 0.9, "windows"),
            Says("the system cannot find the path specified", 0.9, "windows"),
            Says("could not find file", 0.7, "dotnet"),
        ),
        apart="",
    ),
    Entry(
        code="file-unreadable",
        title="A file may not be read",
        rows=("K4",),
        message=(
            "{file|A file} may not be read: {why|its permissions or another program that has it "
            "open forbid it}."
        ),
        next_step=(
            "Give the user that runs the server the right to read it (chown, chmod 600), or close "
            "the other program."
        ),
        says=(
            Says("problem with the ssl ca cert", 0.8, "curl"),
            Says("permission denied", 0.75),
            Says("permissionerror", 0.8, "python"),
            Says("[errno 13]", 0.8, "python"),
            Says("eacces", 0.8, "node"),
            Says("accessdeniedexception", 0.7, "java"),
            Says("(permission denied)", 0.88, "java"),
            Says(
                "the process cannot access the file because it is being used by another process",
                0.95,
                "windows",
            ),
            Says("winerror 32", 0.9, "windows"),
            Says("access is denied", 0.6, "windows"),
        ),
    ),
    Entry(
        code="settings",
        title="Settings that cannot be used",
        rows=("C6",),
        message="The settings cannot be used: {why|each fault is listed with its file and line}.",
        next_step="Correct every fault that is listed, then start again.",
    ),
    Entry(
        code="malformed",
        title="Data that is not what it claims to be",
        message=(
            "{file|The data} is not {expected|what it claims to be}: {why|see the place named}."
        ),
        next_step="Look at where it comes from; restore or make it again.",
    ),
    Entry(
        code="wrong-usage",
        title="A command was given words that it does not take",
        message="The command cannot be carried out as it was given: {why|see its help}.",
        next_step="Run the command with --help.",
    ),
)
