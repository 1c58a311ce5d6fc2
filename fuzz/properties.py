"""``python -m fuzz.properties [-runs=N] [OPTION OF LIBFUZZER]...``: INI files."""

from collections.abc import Iterator

import atheris

with atheris.instrument_imports(include=["sottovoce"]):
    from fuzz import targets

from fuzz.running import run

_SSL = (
    b"# ssl.ini\nSSLAllowedClients=hub.example.org,lui.example.org\n"
    b"SSLKeystorePath=/srv/conf/server.p12\nSSLKeystorePassword=a\\u00e9 b\\\\\n"
)
_PARTS = (
    *(b"a=b", b"a:b", b"a b", b"a\\ b=c", b"a\\=b:c", b"! no", b"# no\\", b"", b"\\", b"a=\\"),
    *(b"a=\\u00e9", b"a=\\ud83d\\ude00", b"a=\\uZZ", b"\xc3\xa9=\xe4", b"a=b\\", b"   c", b"\f=\t"),
)


def _seeds() -> Iterator[bytes]:
    yield _SSL
    yield b"\xef\xbb\xbf" + _SSL
    yield _SSL.decode().encode("utf-16")
    for end in (b"\n", b"\r", b"\r\n"):
        yield from (part + end for part in _PARTS)
        yield end.join(_PARTS)
        yield _SSL.replace(b"\n", end)
        yield _SSL.replace(b"=", b"=\\" + end + b"  ")


if __name__ == "__main__":
    run("properties", targets.properties, seeds=_seeds(), longest=1024)
