/**
 * A way to a server that can be shut and opened: an outage for those who go through it, and for nobody else.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export class Gate {
  readonly #sockets = new Set<Socket>();
  readonly #server;
  #isOpen = true;

  private constructor(port: number) {
    this.#server = createServer({ noDelay: true }, (near) => {
      if (!this.#isOpen) {
        near.destroy();
        return;
      }
      const far = connect({ port, host: '127.0.0.1', noDelay: true });
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    }).listen(0, '127.0.0.1');
  }

  static async to(port: number): Promise<Gate> {
    const gate = new Gate(port);
    await once(gate.#server, 'listening');
    return gate;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  shut(): void {
    this.#isOpen = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  open(): void {
    this.#isOpen = true;
  }

  close(): void {
    this.shut();
    this.#server.close();
  }
}
