import { connect } from 'node:net';

import type { ServerConnection } from './ssh-server.ts';

/** Lets a login at the bastion through to these addresses, all on one port, and to nothing else (RFC 4254, section 7.2). */
export function forwardTo(client: ServerConnection, addresses: ReadonlySet<string>, port: number): void {
  client.on('tcpip', (accept, reject, { destIP, destPort }) => {
    if (destPort !== port || !addresses.has(destIP)) {
      reject();
      return;
    }
    const socket = connect({ host: destIP, port, noDelay: true });
    socket.once('error', () => reject());
    socket.once('connect', () => {
      const channel = accept();
      socket.removeAllListeners('error');
      socket.on('error', () => channel.end());
      channel.on('error', () => socket.destroy());
      channel.on('close', () => socket.destroy());
      client.once('close', () => socket.destroy());
      socket.pipe(channel).pipe(socket);
    });
  });
}
