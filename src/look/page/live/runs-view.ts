import { describeDuration } from '../../../text/durations.ts';
import { timeInWords, type TimeReader } from '../../../text/time-words.ts';
import { type Markup, markup } from '../markup.ts';

/** A line of the page of runs. */
interface PageRun {
  readonly program: string;
  readonly host: string;
  readonly outcome: string;
  readonly isFull: boolean;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly clients: number | null;
  readonly succeeded: number | null;
  readonly failed: number | null;
}

interface RunsView extends TimeReader {
  readonly runs: readonly PageRun[];
  /** Lines about sites that forward, and about sites whose collectors share the clients. */
  readonly sites: readonly string[];
}

/** Renders the page of runs, newest first. */
export function runsView({ runs, sites, ...reader }: RunsView): Markup {
  const number = (count: number | null): string => (count === null ? '–' : String(count));
  return markup`<section aria-labelledby="runs"><h2 id="runs">Newest runs</h2>${sites.map((line) => markup`<p>${line}</p>`)}
<div class="scroll" tabindex="0" role="group" aria-labelledby="runs"><table class="plain"><thead><tr><th scope="col">Began</th><th scope="col">Program</th><th scope="col">Outcome</th><th scope="col">Took</th><th scope="col">Clients</th><th scope="col">Well</th><th scope="col">Failed</th><th scope="col" class="wide">On</th></tr></thead>
<tbody>${runs.map(
    (
      run,
    ) => markup`<tr class="${run.outcome === 'failed' || (run.failed ?? 0) > 0 ? 'failing' : ''}"><th scope="row">${timeInWords(reader, run.startedAtMs)}</th><td>${run.isFull ? run.program : `${run.program}, some clients`}</td><td>${run.outcome}</td><td>${run.finishedAtMs === null ? '–' : describeDuration(run.finishedAtMs - run.startedAtMs)}</td><td>${number(run.clients)}</td><td>${number(run.succeeded)}</td><td>${number(run.failed)}</td><td class="wide">${run.host}</td></tr>
`,
  )}</tbody></table></div></section>`;
}
