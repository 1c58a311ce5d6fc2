"""Write the golden renderings anew; what has changed is to be read before it is committed."""

from tests.golden.renderings import family_file, rendered

from sottovoce.diagnosis import FAMILIES

for family in FAMILIES:
    text = rendered(family)
    path = family_file(family)
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")
        print(f"read: {path}")
