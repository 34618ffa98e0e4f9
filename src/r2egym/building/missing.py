"""What an environment lacks, as a run of tests says it or its own modules do, as projects of the package index."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

_MODULE = re.compile(r"No module named ['\"]?([A-Za-z_]\w*)")
_FIXTURE = re.compile(r"fixture ['\"]?(\w+)['\"]? not found")
_SETUPTOOLS = re.compile(rb"^(?:import|from)[ \t]+pkg_resources\b", re.MULTILINE)
_LAST_WITH_SETUPTOOLS = (3, 11)
_ASYNC = re.compile(r"async def functions are not natively supported|async def function and no async plugin")


def _table(text: str) -> dict[str, str]:
    """Pairs ``name=project``."""
    return dict(pair.split("=") for pair in text.split())


_FIXTURES = _table(
    """
    benchmark=pytest-benchmark mocker=pytest-mock httpserver=pytest-httpserver httpbin=pytest-httpbin
    freezer=pytest-freezer subtests=pytest-subtests snapshot=syrupy datadir=pytest-datadir
    shared_datadir=pytest-datadir qtbot=pytest-qt requests_mock=requests-mock httpx_mock=pytest-httpx
    event_loop=pytest-asyncio aiohttp_client=pytest-aiohttp aiohttp_server=pytest-aiohttp
    test_client=pytest-aiohttp loop=pytest-aiohttp django_db=pytest-django db=pytest-django
    regtest=pytest-regtest file_regression=pytest-regressions data_regression=pytest-regressions fs=pyfakefs
    vcr=pytest-vcr cov=pytest-cov mypy_testing=pytest-mypy-plugins script_runner=pytest-console-scripts
    lazy_shared_datadir=pytest-datadir faker=faker
    """
)
"""Fixtures and the pytest plugins that bring them."""
_MODULES = _table(
    """
    yaml=pyyaml bs4=beautifulsoup4 dateutil=python-dateutil PIL=pillow cv2=opencv-python-headless
    sklearn=scikit-learn skimage=scikit-image attr=attrs OpenSSL=pyopenssl Crypto=pycryptodome jwt=pyjwt
    magic=python-magic dotenv=python-dotenv git=gitpython serial=pyserial usb=pyusb MySQLdb=mysqlclient
    psycopg2=psycopg2-binary ldap=python-ldap docx=python-docx google=protobuf pkg_resources=setuptools
    multipart=python-multipart jose=python-jose slugify=python-slugify zmq=pyzmq fitz=pymupdf
    mpl_toolkits=matplotlib pylab=matplotlib Cython=cython zope=zope.interface win32api=
    distutils=setuptools imp= _pytest=pytest xdist=pytest-xdist flask_sqlalchemy=flask-sqlalchemy
    rest_framework=djangorestframework ruamel=ruamel.yaml gi=pygobject wx=wxpython ConfigParser= StringIO=
    urllib2= Queue= cPickle= tests= test= testing=
    """
)
"""Modules whose project has another name, or none. All others are taken by their own names."""


def missing_projects(messages: Iterable[str], own: Iterable[str]) -> tuple[str, ...]:
    """Projects of the index that would bring what is missing, sorted; a guess, which resolving and a run must confirm.

    Args:
        messages: why tests did not pass, or modules could not be imported.
        own: names that the repository itself provides.
    """
    text = "\n".join(messages)
    local = {*own, *sys.stdlib_module_names}
    modules = {name for name in _MODULE.findall(text) if name not in local or name == "distutils"}
    wanted = {_MODULES.get(name, name) for name in modules if not name.startswith("_r2egym")}
    wanted |= {_FIXTURES[name] for name in _FIXTURE.findall(text) if name in _FIXTURES}
    if _ASYNC.search(text):
        wanted.add("pytest-asyncio")
    return tuple(sorted(name.replace("_", "-") for name in wanted if name))


def undeclared_projects(venv: Path, minor: str) -> tuple[str, ...]:
    """What installed modules cannot be imported without and nothing declares: setuptools, which every environment of its time had.

    Args:
        venv: a virtual environment's folder, or the layer of one.
        minor: its Python, ``MAJOR.MINOR``; environments of Python 3.12 and later came without setuptools.
    """
    if tuple(map(int, minor.split("."))) > _LAST_WITH_SETUPTOOLS:
        return ()
    site = venv / f"lib/python{minor}/site-packages"
    if (site / "pkg_resources").is_dir():
        return ()
    files = (path for path in site.rglob("*.py") if path.is_file())
    return ("setuptools",) if any(_SETUPTOOLS.search(path.read_bytes()) for path in files) else ()
