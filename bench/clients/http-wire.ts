/** Requests over plain sockets, kept alive: one request at a time on each, as many sockets as are needed. */
import { connect, type Socket } from 'node:net';
import { HttpResponses } from './http-response.ts';
import type { OpenWire } from './wire.ts';

interface Line {
  readonly socket: Socket;
  /** The request under way. */
  sent: string | undefined;
}

export function httpWire(url: string, modern: boolean): OpenWire {
  const { hostname, port, pathname } = new URL(url);
  const version = modern ? '2026-07-28' : '2025-11-25';
  const base =
    `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n` +
    `Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: ${version}\r\n`;

  return (message) => {
    const idle: Line[] = [];
    const all = new Set<Line>();
    let closed = false;
    let session = '';

    function open(): Line {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      const line: Line = { socket, sent: undefined };
      all.add(line);
      const responses = new HttpResponses((head, body) => {
        session ||= /\r\nmcp-session-id: *(\S+)/.exec(head)?.[1] ?? '';
        line.sent = undefined;
        idle.push(line);
        if (body !== '') message(body);
      });
      socket.setEncoding('latin1');
      socket.on('data', (text: string) => responses.push(text));
      socket.on('error', () => {
        // `close` follows.
      });
      socket.on('close', () => lost(line));
      return line;
    }

    /** Servers close connections that were idle for long, maybe while a request is on its way. */
    function lost(line: Line): void {
      all.delete(line);
      const at = idle.indexOf(line);
      if (at >= 0) idle.splice(at, 1);
      if (line.sent !== undefined && !closed) write(open(), line.sent);
    }

    function write(line: Line, text: string): void {
      line.sent = text;
      line.socket.write(text, 'latin1');
    }

    return {
      send(body, method, name) {
        const names = name === undefined ? '' : `Mcp-Name: ${name}\r\n`;
        const own = modern ? `Mcp-Method: ${method}\r\n${names}` : '';
        const its = session === '' ? '' : `Mcp-Session-Id: ${session}\r\n`;
        write(idle.pop() ?? open(), `${base}${own}${its}Content-Length: ${body.length}\r\n\r\n${body}`);
      },
      close() {
        closed = true;
        for (const { socket } of all) socket.destroy();
      },
    };
  };
}
