/** A run that is killed in the middle of a look, in a process of its own. Arguments: the fleet's folder, the clients. */
import { openFleet } from '../../../support/fleets/fleet.ts';
import { clientsBeside, lookFleet } from './look-fleet.ts';

const [dir = '', count = '3'] = process.argv.slice(2);
const fleet = openFleet(dir, 'scripted');
const { clients, transportFor } = lookFleet(fleet, clientsBeside(Number(count)), () => {
  process.kill(process.pid, 'SIGKILL');
  return '';
});
await fleet.collect(clients, { transportFor });
