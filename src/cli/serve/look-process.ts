/** The program of the processes of `serve` that make pages and reports (src/look/serve/documents). */
import { sortAlerts, viewAlerts } from '../../look/data/alert-views.ts';
import { type FleetSnapshot, fleetPart } from '../../look/data/live-fleet.ts';
import { answerInProcess } from '../../look/serve/documents/answer-in-process.ts';
import { askedClients, checkPatterns } from '../../look/serve/documents/asked.ts';
import type { DocumentQuery, Documents } from '../../look/serve/documents/documents.ts';
import { withSmallHeap } from '../../platform/heap-growth.ts';
import { clientFilter, clientNames } from '../alerts/client-filter.ts';
import { alertJson } from '../command/alert-words.ts';
import { errorDocument } from '../command/complain.ts';
import { statusJson } from '../status/status-json.ts';
import { jsonTime } from '../terminal/reader-time.ts';

/** The documents of commands that `serve` answers with. */
const documents: Documents = {
  status: statusDocument,
  alerts: async (config, storage, client) => {
    if (client !== null) checkPatterns([client]);
    const nowMs = await storage.nowMs();
    const open = await storage.evaluation.openAlerts(null);
    const isWanted = client === null ? () => true : clientFilter(clientNames(config, open), client);
    const shown = sortAlerts(
      open.filter((alert) => isWanted(alert.client)),
      nowMs,
    );
    const views = await viewAlerts(config, storage, shown, nowMs);
    return { command: 'alerts', at: jsonTime(nowMs), alerts: views.map(alertJson) };
  },
  // Loaded at the first request: the module loads all code that writes mails.
  explain: async (...asked) => (await import('../alerts/explain.ts')).alertExplanation(...asked),
  error: errorDocument,
};

function statusDocument({ config, status, nowMs }: FleetSnapshot, { clients, group, part }: DocumentQuery): object {
  const asked = new Set(askedClients(config, clients, group));
  const members = status.members.filter(({ client }) => asked.has(client));
  if (part === null) return statusJson({ ...status, members }, nowMs);
  const { from, limit } = part;
  const { counts, matching } = fleetPart(members, part);
  const shown = { ...status, members: matching.slice(from, from + limit) };
  const document = statusJson({ ...shown, unlisted: status.unlisted.slice(0, limit) }, nowMs);
  return {
    ...document,
    unlisted: status.unlisted.length,
    total: members.length,
    matching: matching.length,
    counts: Object.fromEntries(counts.map((count) => [count.state, count.clients])),
  };
}

void withSmallHeap(() => answerInProcess(documents));
