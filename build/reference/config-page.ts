import { configReference, type ElementReference } from './config-reference.ts';

/** Returns docs/config.md. */
export function configPage(): string {
  return [
    '# config.xml',
    '',
    'Made from src/config/vocabulary/vocabulary.ts: ' +
      '`UPDATE=1 node --import tsx --test test/config/config-page.test.ts`.',
    'config.xsd says the same to editors, and `fleet-health check` names every fault with its line. Paths are relative',
    'to the file that names them; `~/` is the home of the account, ' +
      'and `$CREDENTIALS_DIRECTORY/NAME` a credential that systemd',
    'passes to a service ([installation.md](installation.md#with-systemd)). All of it is as old as 0.2.0, ' +
      'the first release, but where',
    '"Since" names a later version.',
    '',
    ...configReference().flatMap(section),
  ].join('\n');
}

function section({ name, help, notes, example, attributes, takesSsh }: ElementReference): readonly string[] {
  const rows = attributes.map(
    (one) => `| \`${one.name}\`${one.isRequired ? ' (needed)' : ''} | ${one.values} | ${one.help} |`,
  );
  return [
    `## ${name}`,
    '',
    help,
    ...(notes.length === 0 ? [] : ['', ...notes]),
    ...(example === null ? [] : ['', `    ${example}`]),
    ...(rows.length === 0 ? [] : ['', '| attribute | values | what it means |', '|---|---|---|', ...rows]),
    ...(takesSsh ? ['', 'And every attribute of [ssh](#ssh).'] : []),
    '',
  ];
}
