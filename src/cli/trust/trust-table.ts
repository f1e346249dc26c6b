import { errorTable } from '../../errors.ts';
import { escapeControls } from '../../log.ts';
import { fingerprint, type HostKey, keyTypeName } from '../../transport/known-hosts/fingerprint.ts';
import type { Output } from '../terminal/output.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import type { TrustPlan } from './trust-plan.ts';

/** Returns the fingerprints to compare, as `ssh-keygen -lf` writes them, and the known and failed machines. */
export function trustText(output: Output, plans: readonly TrustPlan[], replacing: boolean): string {
  const kind = (wanted: TrustPlan['kind']): TrustPlan[] => plans.filter((plan) => plan.kind === wanted);
  const [fresh, differing, known] = [kind('new'), kind('differs'), kind('known')];
  const title = machineWord(plans);
  const sections: string[] = [];
  if (fresh.length > 0) {
    const rows = fresh.flatMap(({ machine, keys }) => keys.map((key) => ({ machine, key, mark: '' })));
    sections.push(table(output, title, 'host key', rows));
  }
  if (differing.length > 0) {
    const rows = differing.flatMap(({ machine, knownKeys, keys }) => [
      ...knownKeys.map((key) => ({ machine, key, mark: { text: 'known', colour: 'yellow' } as const })),
      ...keys.map((key) => ({ machine, key, mark: { text: 'shown now', colour: 'red' } as const })),
    ]);
    sections.push(table(output, title, 'host key that differs', rows));
    if (!replacing) {
      const names = differing.map((plan) => plan.machine.name).join(' ');
      sections.push(`If that is meant to be: fleet-health trust --replace ${names}`);
    }
  }
  if (known.length > 0) sections.push(`Known already: ${known.map((plan) => plan.machine.name).join(', ')}`);
  const failed = plans.flatMap(({ machine, fault }) => (fault === null ? [] : [{ name: machine.name, fault }]));
  if (failed.length > 0) {
    sections.push(
      renderTable(
        output,
        [
          { title, cell: ({ name }) => name },
          { title: 'failed', cell: ({ fault }) => ({ text: fault.code, colour: 'red' }) },
          { title: '', shrinks: true, cell: ({ fault }) => fault.message },
        ],
        failed,
      ),
    );
    const advice = failed.flatMap(({ name, fault }) =>
      fault.advice === errorTable[fault.code].advice ? [] : [`${name}: ${fault.advice}`],
    );
    if (advice.length > 0) sections.push(advice.map(escapeControls).join('\n'));
  }
  return sections.join('\n\n');
}

/** Returns `machine` if some are bastions, else `client`. */
export function machineWord(plans: readonly TrustPlan[]): string {
  return plans.some(({ machine }) => machine.kind === 'bastion') ? 'machine' : 'client';
}

interface KeyRow extends Pick<TrustPlan, 'machine'> {
  readonly key: HostKey;
  readonly mark: Cell;
}

function table(output: Output, who: string, title: string, rows: readonly KeyRow[]): string {
  return renderTable(
    output,
    [
      { title: who, shrinks: true, cell: ({ machine }) => machine.name },
      { title, cell: ({ key }) => fingerprint(key.key) },
      { title: 'type', cell: ({ key }) => keyTypeName(key.type) },
      { title: '', cell: ({ mark }) => mark },
    ],
    rows,
  );
}
