// node --test web/tools
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { scriptsOf } from "./firstLoad.mjs";
import { pack, weigh } from "./pack.mjs";
import { policyOf } from "./policy.mjs";
import { isImmutable, isServed, pathOf, typeOf } from "./served.mjs";

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const directive = (policy, name) => policy.split("; ").find((part) => part.startsWith(`${name} `));

let out;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), "oort-pack-"));
});
afterEach(() => rmSync(out, { recursive: true, force: true }));

function write(file, content) {
  mkdirSync(dirname(join(out, file)), { recursive: true });
  writeFileSync(join(out, file), content);
}

test("a policy lets through the page's own inline scripts, each by its hash, once", () => {
  const html = `<script>a()</script><script>a()</script><script id="x">b("</div>")</script><script src="/c.js"></script>`;
  assert.equal(directive(policyOf(html), "script-src"), `script-src 'self' ${hash("a()")} ${hash('b("</div>")')}`);
});

test("data in a script element needs no hash", () => {
  assert.equal(directive(policyOf(`<script type="application/json">{}</script>`), "script-src"), "script-src 'self'");
});

test("a policy never allows what is inline in general", () => {
  const policy = policyOf("<style>p{}</style><script>a()</script>");
  assert.ok(!policy.includes("unsafe"), policy);
  assert.equal(directive(policy, "default-src"), "default-src 'none'");
  assert.equal(directive(policy, "style-src"), `style-src 'self' ${hash("p{}")}`);
});

test("style attributes and event handlers stop the build", () => {
  assert.throws(() => policyOf(`<p class="a" style="color:red">`, "/x/"), /\/x\/ has a style attribute/);
  assert.throws(() => policyOf(`<img onerror="a()">`), /event handler/);
  assert.doesNotThrow(() => policyOf(`<script>"<p style='a' onclick='b'>"</script>`));
});

test("scripts of the first load: classic, module and preloaded; not the ones for old browsers", () => {
  const html = `<link rel="preload" as="script" href="/a.js"/><script src="/a.js?v=1" async=""></script><script src="/b.js" noModule=""></script>
    <link rel="modulepreload" href="/c.js"/><link rel="stylesheet" href="/d.css"/><script>x</script>`;
  assert.deepEqual(scriptsOf(html).sort(), ["/a.js", "/c.js"]);
});

test("paths, types and lifetimes", () => {
  assert.equal(pathOf("index.html"), "/");
  assert.equal(pathOf("chat/index.html"), "/chat/");
  assert.equal(pathOf("chat/myindex.html"), "/chat/myindex.html");
  assert.equal(typeOf("a/b.css"), "text/css; charset=utf-8");
  assert.throws(() => typeOf("a.exe"), /served\.mjs/);
  assert.ok(isImmutable("_next/static/chunks/a.js"));
  assert.ok(!isImmutable("icon.svg"));
  assert.ok(!isServed("404/index.html") && !isServed("a.js.map") && isServed("404.html"));
});

test("a packed export: compressed copies that hold the same bytes, no copies that save nothing", () => {
  const text = "function chat() { return 'chat' }\n".repeat(50);
  write("index.html", `<script src="/_next/static/a.js"></script><script>start()</script>`);
  write("_next/static/a.js", text);
  write("icon.png", Buffer.from([1, 2, 3]));
  write("old.js.br", "left by an earlier build");
  const manifest = pack(out);
  assert.deepEqual(
    manifest.map(({ path }) => path),
    ["/", "/_next/static/a.js", "/icon.png"],
  );
  const [page, script, icon] = manifest;
  assert.ok(page.csp.includes(hash("start()")) && script.csp === undefined);
  assert.deepEqual([page.immutable, script.immutable, icon.encodings], [false, true, []]);
  assert.deepEqual(script.encodings, ["br", "gz"]);
  assert.equal(brotliDecompressSync(readFileSync(join(out, "_next/static/a.js.br"))).toString(), text);
  assert.equal(gunzipSync(readFileSync(join(out, "_next/static/a.js.gz"))).toString(), text);
  assert.ok(!existsSync(join(out, "old.js.br")));
  assert.deepEqual(pack(out), manifest, "packing again changes nothing");
  const weight = weigh(out, manifest, "/");
  assert.ok(weight.brotliBytes > 0 && weight.brotliBytes < text.length, JSON.stringify(weight));
  assert.throws(() => weigh(out, manifest, "/chat/"), /has no \/chat\//);
});

test("a page that loads what is not there is told", () => {
  write("index.html", `<script src="/gone.js"></script>`);
  assert.throws(() => weigh(out, pack(out), "/"), /gone\.js/);
});
