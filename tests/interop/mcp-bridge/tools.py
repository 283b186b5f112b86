"""Every tool of the reference server is listed and called by the official SDK, directly and through
the bridge, with the same results."""

from __future__ import annotations

import asyncio
import json
import re
import sys

from ends import Ends, arguments, everything, http_server
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

#: What differs from run to run on any connection: times, processes, sessions, the environment.
PASSING = [
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?"), "TIME"),
    (re.compile(r"\d{1,2}:\d\d:\d\d( [AP]M)?"), "TIME"),
    (re.compile(r"\d+(\.\d+)? ?(ms|seconds)"), "SPAN"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "UUID"),
    (re.compile(r"\b[0-9a-f]{32,}\b"), "HEX"),
]


def plain(value) -> str:
    text = json.dumps(value.model_dump(mode="json", by_alias=True), sort_keys=True)
    for pattern, word in PASSING:
        text = pattern.sub(word, text)
    return text


def sample(schema: dict):
    """An argument that a schema takes."""
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    return {
        "string": "text", "number": 2, "integer": 2, "boolean": True, "array": [], "object": {},
    }[schema.get("type", "string")]


async def talk(session: ClientSession) -> dict[str, str]:
    """What a server says to everything that it offers."""
    said = {"initialize": plain(await session.initialize())}
    tools = (await session.list_tools()).tools
    assert tools, "the server has tools"
    for tool in tools:
        said[f"tool {tool.name}"] = plain(tool)
        schema = getattr(tool, "input_schema", None) or tool.inputSchema
        known = schema.get("properties", {})
        given = {name: sample(known[name]) for name in schema.get("required", [])}
        try:
            result = await asyncio.wait_for(session.call_tool(tool.name, given), 60)
            # It shows the environment, which names the directories of the bridge's own ends.
            result = str(bool(result.content)) if tool.name == "get-env" else plain(result)
        except Exception as error:  # An error of the server's is a result as any other.
            result = f"{type(error).__name__}: {error}"
        said[f"call {tool.name}"] = result
    for kind in ("prompts", "resources", "resource_templates"):
        said[kind] = plain(await getattr(session, f"list_{kind}")())
    said["no such tool"] = await refused(session)
    return said


async def refused(session: ClientSession) -> str:
    try:
        return plain(await session.call_tool("no-such-tool", {}))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


async def on_stdio(command: list[str], environment=None) -> dict[str, str]:
    server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
    async with stdio_client(server) as streams, ClientSession(*streams[:2]) as session:
        return await talk(session)


async def on_http(url: str) -> dict[str, str]:
    async with streamable_http_client(url) as streams, ClientSession(*streams[:2]) as session:
        return await talk(session)


def different(direct: dict[str, str], bridged: dict[str, str]) -> list[str]:
    every = sorted(direct.keys() | bridged.keys())
    return [what for what in every if direct.get(what) != bridged.get(what)]


def compare(direct: dict[str, str], bridged: dict[str, str]) -> None:
    for what in different(direct, bridged):
        sys.exit(f"{what}\n  directly: {direct.get(what)}\n  bridged:  {bridged.get(what)}")
    calls = sum(what.startswith("call ") for what in direct)
    print(f"{calls} tools called, {len(direct)} answers, all the same")


def main() -> None:
    parser = arguments()
    parser.add_argument("how", choices=["stdio", "http"])
    given = parser.parse_args()
    with Ends(given.pqfw, given.kind) as ends:
        if given.how == "stdio":
            command = everything(given.peers, "stdio")
            direct = asyncio.run(on_stdio(command))
            connect = ends.connect(ends.serve("--", *command))
            bridged = asyncio.run(on_stdio(connect, ends.environment("host")))
            # A bridge that does change something is told apart, and nothing but what it changes.
            connect = ends.connect(ends.serve("--allow-tool", "echo", "--", *command))
            changed = asyncio.run(on_stdio(connect, ends.environment("host")))
            seen = different(direct, changed)
            calls = [what for what in sorted(direct) if what.startswith(("call ", "no such"))]
            calls.remove("call echo")
            if seen != calls:
                sys.exit(f"with one tool allowed, these differ: {seen}, and not {calls}")
        else:
            with http_server(given.peers) as url:
                direct = asyncio.run(on_http(url))
                for look in ([], ["--inspect"]):
                    serve = ends.serve("--upstream", url, *look)
                    bridged = asyncio.run(on_http(ends.door(serve) + "/mcp"))
                    compare(direct, bridged)
                return
        compare(direct, bridged)


if __name__ == "__main__":
    main()
