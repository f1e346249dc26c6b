/**
 * Servers whose key exchange costs them nothing: each sends its whole half at once, whatever the client sends.
 * Arguments: names of `dearExchanges`. Prints a JSON line of PeerAddress for each, and ends with its input.
 */
import { dearExchanges, halfOf, type DearExchange, type DearName } from './dear-exchanges.ts';
import type { PeerAddress } from './flooding-peers.ts';
import { listen } from '../servers/free-port.ts';

for (const name of process.argv.slice(2)) {
  const dear: DearExchange = dearExchanges[name as DearName]();
  const half = halfOf(dear);
  const { port } = await listen((socket) => void socket.resume().write(half));
  const type = dear.algorithm.startsWith('rsa-') ? 'ssh-rsa' : dear.algorithm;
  const address: PeerAddress = { port, key: `${type} ${dear.hostKey.toString('base64')}` };
  process.stdout.write(`${JSON.stringify(address)}\n`);
}
process.stdin.resume().once('end', () => process.exit(0));
