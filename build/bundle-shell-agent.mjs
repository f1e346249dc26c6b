// Joins the shell agent into one text and removes the parts that only readers need. Every first visit sends the text
// uncompressed, because a client without node may lack the means to unpack it.
import { linesOf } from '../src/report/shorten-script.ts';
import { shortenAwk } from './shorten-awk.mjs';

const parts = (
  'main json request mounts disks rates system kernel processes services temperatures checks built-in devices ' +
  'log log-lines built-in/timers built-in/containers built-in/updates built-in/facts'
).split(' ');

/** Returns the text of the shell agent, without a line break at its end. Throws if the text is not plain ASCII. */
export function shellAgent(version) {
  const read = (name) => linesOf(`agent/shell/${name}`, '#');
  const program = parts.flatMap((part) => read(`${part}.awk`)).join('\n');
  if (program.includes("'")) throw new Error('a quote would end the awk program');
  const [text, pinned, checks, built] = ['agent.sh', 'pinned.sh', 'checks.sh', 'built-in/built-in.sh'].map((name) =>
    read(name).join('\n'),
  );
  const whole = text
    .replace('@PINNED@', () => pinned)
    .replace('@CHECKS@', () => checks)
    .replace('@BUILT_IN@', () => built)
    .replace('@VERSION@', () => version)
    .replace('@PROGRAM@', () => shortenAwk(program));
  if (!/^[\t\n -~]*$/.test(whole)) throw new Error('the shell agent is not plain ASCII');
  return whole;
}
