import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface FullPort {
  readonly port: number;
  close(): void;
}

/**
 * A port of 127.0.0.1 on which the kernel answers no more: its process stands still and its backlog is full, so that
 * a connection attempt is as good as one to a machine that is switched off.
 */
export async function openFullPort(): Promise<FullPort> {
  const listen = `const server = require('node:net').createServer();
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(String(line));
  child.kill('SIGSTOP');
  const sockets: Socket[] = [];
  for (let connected = true; connected && sockets.length < 50;) {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    // A connection that is not answered at once over loopback never will be.
    const late = AbortSignal.timeout(300);
    connected = await once(socket, 'connect', { signal: late }).then(
      () => true,
      () => false,
    );
  }
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
