import { connect, createServer, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";

/**
 * The line between one device and the servers: a TCP relay with an address of its own, which can be cut and mended.
 * A browser's own "offline" leaves open sockets alone; a cut line does not.
 */
export class Line {
  private readonly open = new Set<Socket>();
  private isCut = false;
  private isHeld = false;
  /** All that the device has sent. */
  sentBytes = 0;
  private cutAtBytes = Number.POSITIVE_INFINITY;
  private wasCut = () => {};

  private constructor(
    private readonly server: Server,
    /** Front door of the client over this line. */
    readonly url: string,
  ) {}

  /** `target` says for each new connection to which `host:port` it goes; `undefined`: nobody is there. */
  static async lay(target: () => string | undefined): Promise<Line> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
    const line = new Line(server, `http://127.0.0.1:${address.port}`);
    server.on("connection", (near) => line.relay(near, target()));
    return line;
  }

  /** Ends what is open and lets nothing through. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.open) socket.destroy();
  }

  /** Cuts it in the middle of what the device sends: after so many further bytes. */
  cutAfter(bytes: number): Promise<void> {
    this.cutAtBytes = this.sentBytes + bytes;
    return new Promise((resolve) => {
      this.wasCut = resolve;
    });
  }

  mend(): void {
    this.isCut = false;
  }

  /** Stays open, but nothing that the device sends arrives any longer. */
  hold(): void {
    this.isHeld = true;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private relay(near: Socket, target: string | undefined): void {
    if (this.isCut || !target) {
      near.destroy();
      return;
    }
    const [host, port] = target.split(":");
    const far = connect(Number(port), host);
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, pass) => {
        this.count(chunk.length);
        if (!this.isHeld) pass(null, chunk);
      },
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.open.delete(socket);
        other.destroy();
      });
    }
    near.pipe(counted).pipe(far);
    far.pipe(near);
  }

  private count(bytes: number): void {
    this.sentBytes += bytes;
    if (this.sentBytes < this.cutAtBytes) return;
    this.cutAtBytes = Number.POSITIVE_INFINITY;
    this.cut();
    this.wasCut();
  }
}
