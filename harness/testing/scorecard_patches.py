"""The changes of the believable scorecard, as git writes them (but for blanks at line ends)."""

PROVIDER_PATCH = """\
diff --git a/payments/provider.py b/payments/provider.py
--- a/payments/provider.py
+++ b/payments/provider.py
@@ -8,9 +8,14 @@ import httpx

 from payments.settings import Settings

-CLIENT = httpx.AsyncClient()
+RETRYABLE = {429, 503}


+class ProviderDown(Exception):
+    \"\"\"The provider did not answer in the time we have.\"\"\"
+
+
+# One budget for all attempts: our callers wait 3 s in total, not 3 s a try.
 class Provider:
     def __init__(self, settings: Settings) -> None:
         self.base = settings.provider_url
@@ -18,9 +23,19 @@ class Provider:

     async def charge(self, body: dict, key: str) -> dict:
-        while True:
-            response = await CLIENT.post(f"{self.base}/charges", json=body)
-            if response.status_code < 500:
-                return response.json()
-            await asyncio.sleep(1)
+        try:
+            async with asyncio.timeout(self.settings.deadline_sec):
+                return await self._charge(body, key)
+        except TimeoutError as exc:
+            raise ProviderDown("charge") from exc
+
+    async def _charge(self, body: dict, key: str) -> dict:
+        for attempt in range(4):
+            response = await self.client.post(
+                "/charges", json=body, headers={"Idempotency-Key": key}
+            )
+            if response.status_code not in RETRYABLE:
+                return response.json()
+            await asyncio.sleep(0.1 * 2**attempt)
+        raise ProviderDown("charge")

     async def rate(self, currency: str) -> Decimal:
"""

API_PATCH = """\
diff --git a/payments/api.py b/payments/api.py
--- a/payments/api.py
+++ b/payments/api.py
@@ -41,7 +41,13 @@ async def create_payment(request: Request, body: NewPayment) -> Response:
     key = request.headers.get("Idempotency-Key")
     if not key:
         raise HTTPException(400, "Idempotency-Key is required")
-    charge = await provider.charge(body.model_dump(), key)
+    known = store.by_key(key)
+    if known is not None:
+        return JSONResponse(known.as_json(), status_code=201)
+    try:
+        charge = await provider.charge(body.model_dump(), key)
+    except ProviderDown:
+        raise HTTPException(503, "try again with the same key") from None
     payment = store.save(key, body, charge)
     return JSONResponse(payment.as_json(), status_code=201)

@@ -88,3 +94,5 @@ async def list_payments(merchant_id: str, limit: int = 50, cursor: str = ""):
     items = store.page(merchant_id, limit, cursor)
-    next_cursor = items[-1].id if len(items) == limit else None
+    full = len(items) >= limit
+    next_cursor = items[-1].created_at if full else None
+    items = items[:limit]
     return {"items": items, "next_cursor": next_cursor}
"""

TEST_PATCH = """\
diff --git a/tests/test_provider.py b/tests/test_provider.py
new file mode 100644
--- /dev/null
+++ b/tests/test_provider.py
@@ -0,0 +1,14 @@
+import asyncio
+
+import pytest
+
+from payments.provider import Provider, ProviderDown
+
+
+async def test_hang_is_bounded(hanging_provider, settings):
+    provider = Provider(settings(deadline_sec=0.2))
+    started = asyncio.get_running_loop().time()
+    with pytest.raises(ProviderDown):
+        await provider.charge({"amount": 100}, key="k-1")
+    took = asyncio.get_running_loop().time() - started
+    assert took < 0.4
"""

DECISIONS_PATCH = """\
diff --git a/DECISIONS.md b/DECISIONS.md
new file mode 100644
--- /dev/null
+++ b/DECISIONS.md
@@ -0,0 +1,9 @@
+# Decisions
+
+## Wait, or answer 202?
+
+We wait up to 3 s and answer 503 after that; the client repeats with its key.
+A 202 would free connections sooner, but every merchant would have to learn to
+poll, and support would get the calls. If p95 of the provider passes 2 s: turn it round.
+
+Not done: the settlement worker still takes everything in one batch.
"""
