"""Entries of the family *campaign*, second part: accounts, lists and jobs as people meet them."""

from sottovoce.diagnosis.entry import Entry, Says

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="account-last-admin",
        title="The last administrator",
        message="After this no enabled account would have the right 'admin'.",
        next_step=(
            "Give that right to another account first (sottovoce account rights NAME RIGHTS)."
        ),
    ),
    Entry(
        code="account-missing",
        title="There is no such account",
        message="There is no account {presented|of that name}.",
        next_step="See which there are: sottovoce account list.",
    ),
    Entry(
        code="account-name-bad",
        title="A name that accounts cannot have",
        message="{presented|That} cannot be the name of an account.",
        next_step=(
            "Choose 1 to 64 letters, digits or signs (._@+-) and begin with a letter or digit."
        ),
    ),
    Entry(
        code="account-taken",
        title="The account exists already",
        message="There is an account {presented|of that name} already.",
        next_step=(
            "Choose another name, or give that account a new password (sottovoce account password "
            "NAME)."
        ),
    ),
    Entry(
        code="password-is-name",
        title="The password is the name",
        message="The password is the name of the account.",
        next_step="Take a sentence of a few words.",
    ),
    Entry(
        code="password-too-long",
        title="The password is too long",
        message="The password is longer than {expected|the longest that is taken}.",
        next_step="Take a shorter one.",
    ),
    Entry(
        code="right-unknown",
        title="There is no such right",
        message=(
            "There is no right '{presented|of that name}'; rights are {expected|those that "
            "sottovoce account add --help lists}."
        ),
        next_step="Name rights from that list, separated by commas.",
    ),
    Entry(
        code="set-up-code-bad",
        title="That is not the set-up code",
        message="That is not the set-up code of this installation.",
        next_step="Type the code that sottovoce init printed for this home.",
    ),
    Entry(
        code="set-up-done",
        title="The installation is set up already",
        message="This installation is set up already; its set-up code was used.",
        next_step="Log in, or use sottovoce account add on HUB's server.",
    ),
    Entry(
        code="setting-malformed",
        title="A setting that cannot be",
        message="{key|That} cannot be a setting: {why|see its documentation}.",
        next_step="Write it as the component's documentation has it.",
    ),
    Entry(
        code="hub-exists",
        title="The home holds an installation already",
        message="{file|The home} holds an installation already.",
        next_step="Choose another home, or go on with this one: sottovoce start.",
    ),
    Entry(
        code="hub-missing",
        title="HUB has no database here",
        message="HUB has no database here: {file|its file} does not exist.",
        next_step=(
            "Name the home of the server on which HUB runs, make one with sottovoce init, or "
            "restore the file."
        ),
    ),
    Entry(
        code="no-lui",
        title="There is no LUI in this home",
        message="{file|That home} has no LUI.",
        next_step="Give the right --home, or make one with sottovoce init.",
    ),
    Entry(
        code="import-header",
        title="The header of the list cannot be used",
        message="The header of {file|the list} cannot be used: {why|see the column named}.",
        next_step="Correct the header and import the list again.",
    ),
    Entry(
        code="import-unknown",
        title="There is no such import",
        message="There is no import {presented|of that number} that could be undone.",
        next_step=(
            "Give the number that sottovoce list import printed; an import can be undone once."
        ),
    ),
    Entry(
        code="import-unreadable",
        title="The list cannot be read",
        message="{file|The list} cannot be read: {why|it is no CSV}.",
        next_step="Save it as CSV (UTF-8) with a header line that has an email column.",
    ),
    Entry(
        code="list-name",
        title="A name that lists cannot have",
        message="{presented|That} cannot be the name of a list.",
        next_step="Use 1 to 100 printable characters.",
    ),
    Entry(
        code="list-unknown",
        title="There is no such list",
        message="There is no list {presented|of that name}.",
        next_step="Import one: sottovoce list import FILE --list NAME.",
    ),
    Entry(
        code="job-empty",
        title="Nobody would get the job",
        message="Nobody would get the job: its list has no member who may be written to.",
        next_step=(
            "See how many are on the list (sottovoce list show NAME), and import more: whoever has "
            "left stays away."
        ),
    ),
    Entry(
        code="job-name",
        title="A name that jobs cannot have",
        message="{presented|That} cannot be the name of a job.",
        next_step="Use 1 to 100 printable characters.",
    ),
    Entry(
        code="job-unauthorised",
        title="The job is not authorised",
        message="The job {presented|} is not authorised, or was changed since.",
        next_step="Look at it, then: sottovoce job authorise NAME.",
    ),
    Entry(
        code="job-underway",
        title="The job is under way",
        message="The job {presented|} is under way or done and cannot be changed.",
        next_step="Define a new one under another name.",
    ),
    Entry(
        code="job-unknown",
        title="There is no such job",
        message="There is no job {presented|of that name}.",
        next_step="Define one with sottovoce job define.",
    ),
    Entry(
        code="not-uncertain",
        title="The recipient is not uncertain",
        message="That recipient of the job is not uncertain.",
        next_step="See them: sottovoce job uncertain NAME.",
    ),
    Entry(
        code="sender-malformed",
        title="The sender cannot be used",
        message="The sender {presented|} cannot be used: {why|it is no mail address}.",
        next_step="Write it as 'Name <name@domain>'.",
    ),
    Entry(
        code="template-encoding",
        title="The template is not UTF-8",
        message="{file|The template} is not UTF-8 text.",
        next_step="Save it as UTF-8.",
    ),
    Entry(
        code="template-malformed",
        title="The template cannot be read",
        message="{file|The template} cannot be read: {why|see the line named}.",
        next_step="Correct the tag at the place named.",
    ),
    Entry(
        code="template-too-large",
        title="The template is too large",
        message="{file|The template} is larger than allowed.",
        next_step="Shorten it; put pictures on a web server.",
    ),
    Entry(
        code="template-unsafe-place",
        title="A tag in a place where it is not safe",
        message="{file|The template} has a tag where it is not safe: {why|see the line named}.",
        next_step="Move or remove it.",
    ),
    Entry(
        code="smtp-login-refused",
        title="The mail relay refused the log-in",
        message="The mail relay {peer|} refused the log-in: {why|name or password is wrong}.",
        next_step="Correct SmtpUser and SmtpPassword in lui.ini.",
        says=(
            Says("smtpauthenticationerror", 0.95, "python"),
            Says("535 5.7.8", 0.95, "smtp"),
        ),
    ),
    Entry(
        code="smtp-sender-refused",
        title="The mail relay refused the sender",
        message="The mail relay {peer|} refuses the sender {presented|of this job}.",
        next_step="Choose a sender that the relay takes, or allow it there.",
        says=(
            Says("smtpsenderrefused", 0.95, "python"),
            Says("sender address rejected", 0.93, "smtp"),
        ),
    ),
    Entry(
        code="smtp-tls-failed",
        title="No encrypted session with the mail relay",
        message=(
            "There is no encrypted session with the mail relay {peer|}: {why|see the reason of "
            "TLS}."
        ),
        next_step="Check SmtpSecurity and SmtpTrustedRoots in lui.ini; ssl.ini plays no part.",
    ),
)
