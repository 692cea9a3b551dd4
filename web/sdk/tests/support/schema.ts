import { readFileSync } from "node:fs";
import path from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";

const docs = path.join(import.meta.dirname, "../../../../docs");
const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: false, discriminator: false });
ajv.addSchema(JSON.parse(readFileSync(path.join(docs, "oort.v1.schema.json"), "utf8")), "frames");

/** Every type of frame and the definitions that describe it, by who sends it. */
function definitions(side: "ServerFrame" | "ClientFrame"): ReadonlyMap<string, readonly string[]> {
  const schema = ajv.getSchema("frames")?.schema as {
    $defs: Record<string, { oneOf?: { $ref: string }[]; properties?: { type?: { const?: string } } }>;
  };
  const refs = schema.$defs[side]?.oneOf ?? [];
  const found = new Map<string, string[]>();
  for (const { $ref } of refs) {
    const name = $ref.split("/").at(-1) ?? "";
    const type = schema.$defs[name]?.properties?.type?.const ?? "";
    found.set(type, [...(found.get(type) ?? []), name]);
  }
  return found;
}

const SIDES = { server: definitions("ServerFrame"), client: definitions("ClientFrame") };

export const FRAME_TYPES = { server: [...SIDES.server.keys()], client: [...SIDES.client.keys()] };

/** What is wrong with a frame, in words; null = nothing. Unknown fields are wrong. */
export function faultOf(side: "server" | "client", frame: unknown): string | null {
  const type = String((frame as { type?: unknown } | null)?.type);
  const names = SIDES[side].get(type);
  if (names === undefined) return `${side} frame of unknown type ${type}`;
  // One of those of this type has to fit.
  const errors: string[] = [];
  for (const name of names) {
    const validate = ajv.getSchema(`frames#/$defs/${name}`);
    if (!validate) throw new Error(`no schema ${name}`);
    if (validate(frame)) return null;
    errors.push(ajv.errorsText(validate.errors));
  }
  return `${side} frame ${type}: ${errors.join(", or ")}; ${JSON.stringify(frame).slice(0, 600)}`;
}

/** The JSON examples of docs/protocol.md marked as frames of one side in oort.v1. */
export function examples(side: "server" | "client"): unknown[] {
  const text = readFileSync(path.join(docs, "protocol.md"), "utf8");
  return [...text.matchAll(/^```json (.*)\n([\s\S]*?)^```$/gm)].flatMap(([, label, json]) =>
    label?.trim() === side ? [JSON.parse(json ?? "")] : [],
  );
}
