import { isAsked, transportWord } from './arrival.ts';
import type { Findings } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { ReadClient } from './read-clients.ts';

/** Elements that need the database. */
interface NeedsDatabase {
  readonly metrics: Element | null;
  readonly serve: Element | null;
}

/** Reports settings that a site that forwards cannot fulfil: such a site visits its clients and has no database. */
export function checkSite(clients: readonly ReadClient[], { metrics, serve }: NeedsDatabase, findings: Findings): void {
  for (const { client, element } of clients) {
    if (isAsked(client)) continue;
    const message = `client "${client.name}" has transport="${transportWord(client.arrival)}", and a site that forwards takes no pushes`;
    findings.fault(element, `${message}; visit it from here, or have it push to the other collector`);
  }
  for (const element of [metrics, serve]) {
    if (element === null) continue;
    findings.warn(element, `<${element.name}> does nothing beside <forward>: a site that forwards has no database`);
  }
}
