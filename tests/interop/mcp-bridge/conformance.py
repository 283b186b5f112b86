"""The official conformance suite says the same of the reference server directly and through the
bridge, check by check."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from ends import Ends, arguments, free_port, http_server

#: What the bridge does better, as it must: its door turns away a foreign Host, and the reference server
#: does not.
BETTER = {("localhost-host-rebinding-rejected", "FAILURE", "SUCCESS")}


def judge(peers: Path, url: str) -> dict[str, str]:
    """The status of every check."""
    modules = peers / "node_modules"
    suite = modules / "@modelcontextprotocol/conformance/dist/index.js"
    with tempfile.TemporaryDirectory() as results:
        command = [modules / ".bin/node", suite, "server", "--url", url, "-o", results]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
        found = {}
        for file in sorted(Path(results).rglob("checks.json")):
            # The directory is the scenario's name and the time.
            scenario = file.parent.name.split("-20")[0]
            for number, check in enumerate(json.loads(file.read_text())):
                found[f"{scenario} {number} {check['id']}"] = check["status"]
        return found


def main() -> None:
    given = arguments().parse_args()
    with http_server(given.peers) as url, Ends(given.pqfw, given.kind) as ends:
        direct = judge(given.peers, url)
        if "SUCCESS" not in direct.values():
            sys.exit("the suite passed nothing: it has not run")
        for look in ([], ["--inspect"]):
            serve = ends.serve("--upstream", url, *look)
            # The suite sends an Origin of this machine and expects it to be let in.
            port = free_port()
            origins = [f"http://localhost:{port}", f"http://127.0.0.1:{port}"]
            more = [part for origin in origins for part in ("--origin", origin)]
            command = ends.connect(serve, "--http-listen", f"127.0.0.1:{port}", *more)
            ends.start("host", command)
            bridged = judge(given.peers, f"http://127.0.0.1:{port}/mcp")
            different = [
                f"{check}: directly {direct.get(check)}, bridged {bridged.get(check)}"
                for check in sorted(direct.keys() | bridged.keys())
                if direct.get(check) != bridged.get(check)
                and (check.split()[-1], direct.get(check), bridged.get(check)) not in BETTER
            ]
            if different:
                sys.exit("\n".join(different))
        passed = sum(status == "SUCCESS" for status in direct.values())
        better = sum(direct[check] != bridged[check] for check in direct)
        same = len(direct) - better
        print(f"{len(direct)} checks, {passed} passed directly; {same} the same, {better} better")


if __name__ == "__main__":
    main()
