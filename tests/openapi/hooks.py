"""What Schemathesis does not know how to write."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    return {"data": value if isinstance(value, (str, bytes)) else str(value)}
