import type { DigestFacts } from '../../../src/alerter/digest/read-digest.ts';
import { isWide } from '../../support/long-tests.ts';
import { badWeek, machine, openAlert, spanOf } from './digest-samples.ts';

/** The fleet is a tenth in `npm test`, in which every list is long as well. */
const part = isWide ? 1 : 0.1;

const names = Array.from({ length: 10_000 * part }, (_, index) => `node-${index + 1}.dc.example.org`);

/** Makes an item of a sample for each of the first `count` clients. `make` gets the client and its number. */
function each<T>(count: number, make: (client: string, index: number) => T): readonly T[] {
  return names.slice(0, count * part).map(make);
}

function oneOf<T>(items: readonly T[]): readonly T[] {
  return items.slice(0, 1);
}

/** A bad week of 10,000 clients, or a tenth of them, in which every list is long. */
export const hugeWeek: DigestFacts = {
  ...badWeek,
  clients: oneOf(badWeek.clients).flatMap((client) => each(10_000, (name) => ({ ...client, name }))),
  open: each(6000, (client, index) => openAlert(client, { rule: `rule-${index % 40}` })),
  spans: [
    ...each(9000, (client, index) => spanOf(client, 1 + (index % 90), 1, { rule: `rule-${index % 40}` })),
    ...each(5000, (client, index) => spanOf(client, 1 + (index % 90), 2, { rule: 'unreachable', subject: '' })),
    ...each(3000, (client) => spanOf(client, 0, 3, { rule: 'rebooted', subject: '', closedReason: 'event' })),
    ...each(50, (client) => spanOf(client, 1, 4, { rule: 'host-key-changed', subject: '' })),
  ],
  joined: names.slice(0, 4000 * part),
  left: names.slice(4000 * part, 8000 * part),
  inventories: each(10_000, (client, index) => ({
    client,
    before: machine,
    after: { ...machine, kernel: `6.1.${index % 500}`, disks: [`disk ${index}`], cards: [`eth0 ${index}`] },
  })),
  forecasts: oneOf(badWeek.forecasts).flatMap((forecast) => each(10_000, (client) => ({ ...forecast, client }))),
  outliers: {
    figures: oneOf(badWeek.outliers.figures).flatMap((figure) => each(5000, (client) => ({ ...figure, client }))),
    kinds: oneOf(badWeek.outliers.kinds).flatMap((kind) =>
      each(500, (group) => ({ ...kind, group, clients: names.slice(0, 900) })),
    ),
  },
  pending: each(10_000, (client) => ({ client, rebootRequired: true, updates: 900, securityUpdates: 90 })),
  undelivered: oneOf(badWeek.undelivered).flatMap((mail) =>
    each(400, (name, id) => ({ ...mail, id, recipient: `ops@${name}`, error: `${id} ${name} is away` })),
  ),
};
