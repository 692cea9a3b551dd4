import { crc32, deflateSync } from "node:zlib";

/** A file as a person would choose it. */
export interface Chosen {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** A picture of stripes, with so many pixels. */
export function picture(name: string, width: number, height: number): Chosen {
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * (1 + 3 * width) + 1 + 3 * x;
      const wave = Math.round(60 * Math.sin((x + 2 * y) / 23));
      rows[at] = 40 + Math.round((120 * y) / height);
      rows[at + 1] = 130 + wave / 2;
      rows[at + 2] = 170 + wave;
    }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const buffer = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return { name, mimeType: "image/png", buffer };
}

function chunk(kind: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

/** A tone that lasts so long. */
export function tone(name: string, seconds: number): Chosen {
  const rate = 8000;
  const samples = Buffer.alloc(2 * rate * seconds);
  for (let at = 0; at < rate * seconds; at++)
    samples.writeInt16LE(Math.round(6000 * Math.sin((2 * Math.PI * 440 * at) / rate)), 2 * at);
  const head = Buffer.alloc(44);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(36 + samples.length, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(2 * rate, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(samples.length, 40);
  return { name, mimeType: "audio/wav", buffer: Buffer.concat([head, samples]) };
}

/** Lines of text, about so many bytes. */
export function text(name: string, bytes: number): Chosen {
  return { name, mimeType: "text/plain", buffer: Buffer.alloc(bytes, "High water at six.\n") };
}
