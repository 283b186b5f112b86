"""A small MCP server on stdio, with the standard library alone: what stands behind the gateway."""

import json
import sys

TOOLS = [{"name": "add", "description": "Adds", "inputSchema": {"type": "object"}}]


def answer(request: dict) -> dict:
    params = request.get("params", {})
    match request["method"]:
        case "initialize":
            version = params["protocolVersion"]
            info = {"name": "small", "version": "1"}
            return {"result": {"protocolVersion": version, "capabilities": {"tools": {}},
                               "serverInfo": info}}  # fmt: skip
        case "tools/list":
            return {"result": {"tools": TOOLS}}
        case "tools/call" if params["name"] == "add":
            try:
                text, failed = str(params["arguments"]["a"] + params["arguments"]["b"]), False
            except (KeyError, TypeError) as error:
                text, failed = f"cannot add: {error!r}", True
            return {"result": {"content": [{"type": "text", "text": text}], "isError": failed}}
        case "tools/call":
            return {"error": {"code": -32602, "message": "no such tool"}}
        case method:
            return {"error": {"code": -32601, "message": f"no {method}"}}


for line in sys.stdin:
    request = json.loads(line)
    if "id" in request:
        reply = {"jsonrpc": "2.0", "id": request["id"], **answer(request)}
        print(json.dumps(reply), flush=True)
