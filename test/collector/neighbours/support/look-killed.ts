/** A run in a process of its own that is killed during a look. Arguments: the fleet's folder, the number of clients. */
import { openFleet } from '../../../support/fleets/fleet.ts';
import { clientsBeside, lookFleet } from './look-fleet.ts';

const [dir = '', count = '3'] = process.argv.slice(2);
const fleet = openFleet(dir, 'scripted');
const { clients, transportFor } = lookFleet(fleet, clientsBeside(Number(count)), () => {
  process.kill(process.pid, 'SIGKILL');
  return '';
});
await fleet.collect(clients, { transportFor });
