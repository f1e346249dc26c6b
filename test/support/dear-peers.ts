/**
 * Servers whose key exchange costs them nothing: each sends all of its half at once, whatever the client says.
 * Arguments: names of `dearExchanges`. Prints a JSON line of PeerAddress for each, and ends with its input.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import { dearExchanges, halfOf, type DearExchange, type DearName } from './dear-exchanges.ts';
import type { PeerAddress } from './flooding-peers.ts';

for (const name of process.argv.slice(2)) {
  const dear: DearExchange = dearExchanges[name as DearName]();
  const half = halfOf(dear);
  const listener = createServer((socket) => {
    socket.on('error', () => undefined).resume();
    socket.write(half);
  });
  listener.listen(0, '0.0.0.0');
  await once(listener, 'listening');
  const type = dear.algorithm.startsWith('rsa-') ? 'ssh-rsa' : dear.algorithm;
  const address: PeerAddress = {
    port: (listener.address() as AddressInfo).port,
    key: `${type} ${dear.hostKey.toString('base64')}`,
  };
  process.stdout.write(`${JSON.stringify(address)}\n`);
}
process.stdin.resume().once('end', () => process.exit(0));
