import { commandCode } from '../alert-list.ts';
import { type Markup, markup } from '../markup.ts';
import type { CommandWords } from '../page.ts';

/** The facts of a fleet on its first evening. */
export interface FirstEvening {
  readonly hasClients: boolean;
  readonly hasRun: boolean;
  /** True after the first pass of the alerter. */
  readonly hasPass: boolean;
}

interface Step {
  readonly words: string;
  readonly command: CommandWords;
  readonly isDone: boolean;
}

const install: CommandWords = ['fleet-health', 'crontab', { option: '--install' }];

function stepsOf({ hasClients, hasRun }: FirstEvening): readonly Step[] {
  const naming = 'Name your machines in config.xml, like <client name="web-1" ip="192.0.2.1"/>, and check it';
  return [
    { words: naming, command: ['fleet-health', 'check'], isDone: hasClients },
    { words: 'Compare and store their host keys', command: ['fleet-health', 'trust'], isDone: hasRun },
    { words: 'Visit each machine once', command: ['fleet-health', 'collect'], isDone: hasRun },
    {
      words: 'Let it run: visits every few minutes, and mails when something is wrong',
      command: install,
      isDone: false,
    },
  ];
}

/** Renders the next steps, in place of an empty table. The first that is not done stands out. */
export function firstSteps(evening: FirstEvening): Markup {
  const steps = stepsOf(evening);
  const next = steps.findIndex(({ isDone }) => !isDone);
  return markup`<section aria-labelledby="steps"><h2 id="steps">${evening.hasClients ? 'Nothing has been collected yet' : 'No machine is watched yet'}</h2>
<ol class="commands steps">${steps.map(
    ({ words, command, isDone }, index) =>
      markup`<li${index === next && markup` aria-current="step"`}>${isDone && markup`<b>Done:</b> `}${index === next && markup`<b>Next:</b> `}${words}${!isDone && markup`: ${commandCode(command)}`}</li>`,
  )}</ol></section>`;
}

/** Renders a sentence while no alerter has run. Returns null after its first pass. */
export function alerterNotice({ hasRun, hasPass }: FirstEvening): Markup | null {
  if (hasPass || !hasRun) return null;
  return markup`<p class="notice">No alerter has run yet, so nobody is notified of anything. ${commandCode(['fleet-health', 'alert'])} makes one pass, ${commandCode(install)} lets it run.</p>
`;
}
