"""Tests of the answers and refusals of the server."""

import asyncio
import json
import re
import socket
import time
from http.cookiejar import CookieJar
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from instructzero.errors import ConfigurationError
from instructzero.watch.server import serve
from tests.watch.growing import GrowingRun, Serving


@pytest.fixture
def run(tmp_path, recorded):
    return GrowingRun(tmp_path / "run", recorded).begin().add_until(8)


def wait_for(condition, patience_s=60.0):
    """Repeat the request, as a page does, until the condition holds."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def version_of(page):
    return re.search(r'data-version="([^"]+)"', page)[1]


def test_page_version_changes_when_run_advances(server, run):
    page = server.get("/")  # redirects to the only run
    assert server.state()["version"] == version_of(page)
    run.add_until(12)
    wait_for(lambda: server.state()["version"] != version_of(page))
    newer = server.get("/1/")
    assert "12 evaluations" in newer
    wait_for(lambda: "12 of 24 evaluations" in server.state()["progress"])
    assert server.state()["version"] == version_of(newer)


def test_page_is_unchanged_while_run_is_idle(server):
    page = server.get("/1/")
    assert [server.state()["version"] for _ in range(3)] == [version_of(page)] * 3
    assert server.get("/1/") == page


@pytest.mark.parametrize("path", ["/", "/1/", "/1/state", "/state", "/nothing"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "[::2]", ""])
def test_request_to_other_host_name_is_refused(server, path, host):
    expected = "This server only answers requests to 127.0.0.1, localhost, [::1]."
    assert server.ask(path, Host=host) == (403, expected)


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1:80", "[::1]:9000", "LOCALHOST"])
def test_request_to_local_names_and_any_port_is_answered(server, host):
    assert "matrix" in server.get("/1/", Host=host)


@pytest.mark.parametrize("path", ["/", "/1/", "/1/state", "/state", "/nothing"])
@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=%ff", "?token=wrong&{token}"])
def test_request_without_token_is_refused_and_told_where_it_is(server, path, query):
    status, said = server.ask_without_token(path + query.format(token=server.query[1:]))
    assert status == 403
    assert "the address that 'instructzero watch' printed" in said


def test_cookie_of_first_answer_admits_later_requests_until_server_restarts(server, run):
    jar = CookieJar()
    opener = build_opener(HTTPCookieProcessor(jar))
    with opener.open(f"{server.root}/{server.query}") as page:
        assert "matrix" in page.read().decode()
    with opener.open(f"{server.root}/1/state") as state:
        assert "version" in json.load(state)
    (cookie,) = jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Strict"
    with Serving(run.path) as other:
        assert other.ask_without_token("/1/", Cookie=f"{cookie.name}={cookie.value}")[0] == 403


def test_content_security_policy_allows_only_own_content(server):
    page = server.get("/1/")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1].replace("&#x27;", "'")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert re.fullmatch(r"'sha256-[\w+/=]+'", rules["script-src"])
    assert "connect-src" not in (server.get("/1/").partition("<body")[2])


@pytest.mark.parametrize("line", ["/?token=é", "/é", "/\0", "no path"])
def test_request_that_is_not_http_is_refused_without_a_line_in_the_terminal(server, caplog, capfd, line):
    with socket.create_connection(("127.0.0.1", int(server.root.rpartition(":")[2])), timeout=60) as client:
        client.sendall(f"GET {line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert client.recv(4096).split()[1] in (b"400", b"403")
    assert (caplog.text, capfd.readouterr().err) == ("", "")


@pytest.mark.parametrize("path", ["/" + 5000 * "1" + "/", "/" + 5000 * "1" + "/state", "/1000000/"])
def test_number_of_many_digits_is_not_found(server, caplog, path):
    assert server.ask(path)[0] == 404
    assert caplog.text == ""


@pytest.mark.parametrize("path", ["/2/", "/0/", "/2/state", "/1", "/../settings.yaml", "/1/journal.jsonl"])
def test_request_of_unknown_path_is_not_found(server, path):
    assert server.ask(path)[0] == 404


def test_overview_version_changes_with_any_run(run, tmp_path, recorded):
    other = GrowingRun(tmp_path / "other", recorded).begin().add_until(4)
    with Serving(run.path, other.path) as server:
        page = server.get("/")
        assert "8 of 24 evaluations" in page
        assert "4 of 24 evaluations" in page
        wait_for(lambda: server.state("/state")["version"] == version_of(server.get("/")))
        other.end()
        wait_for(lambda: server.state("/state")["title"] == "1 of 2 runs finished")
        assert server.state("/state")["version"] != version_of(page)
        assert "24 evaluations" in server.get("/2/")
        assert "8 evaluations" in server.get("/1/")


def test_directory_without_run_has_waiting_page(tmp_path, recorded):
    run = GrowingRun(tmp_path / "a run's & more", recorded)
    with Serving(run.path) as server:
        page = server.get("/1/")
        assert "There is no run here yet" in page
        run.begin().add_until(4)
        wait_for(lambda: server.state()["version"] != version_of(page))
        assert "4 evaluations" in server.get("/1/")


def test_damaged_journal_is_reported_and_page_stays(server, run):
    page = server.get("/1/")
    with (run.path / "journal.jsonl").open("ab") as file:
        file.write(b"{}\n")
    wait_for(lambda: "is damaged at line" in server.state()["progress"])
    assert "8 evaluations" in server.get("/1/")
    assert "8 evaluations" in page


def test_serve_on_taken_port_raises_one_sentence(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"cannot listen on port {port} .* choose another --port"):
            asyncio.run(serve([run.path], port, print))
