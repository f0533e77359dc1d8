/** A bare stream of lines over HTTP, straight from the sending process: one hop, and nothing else. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, get } from 'node:http';
import type { Tick } from '../harness/tick.ts';
import type { Way } from './way.ts';

export const httpStream: Way = {
  send: async ({ port }) => {
    const readers = new Set<ServerResponse>();
    const server = createServer({ noDelay: true }, (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
      response.flushHeaders();
      readers.add(response);
      response.on('close', () => readers.delete(response));
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return {
      send: (key, value) => {
        const line = `${key}\t${JSON.stringify(value)}\n`;
        for (const reader of readers) reader.write(line);
      },
      acknowledged: async () => {
        for (const reader of readers) if (reader.writableNeedDrain) await once(reader, 'drain');
      },
      close: () => server.closeAllConnections(),
    };
  },
  receive: async ({ port }, seen) => {
    const request = get({ port, host: '127.0.0.1', agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.setEncoding('utf8');
    let rest = '';
    response.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const end = line.indexOf('\t');
        seen(line.slice(0, end), JSON.parse(line.slice(end + 1)) as Tick);
      }
    });
    response.on('error', () => {});
    return () => request.destroy();
  },
};
