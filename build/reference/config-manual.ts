/** build/reference: makes docs/config.md, config.xsd and the manual pages of man/. */
import { configReference, type ElementReference } from './config-reference.ts';
import { manualPage, prose, tagged, withoutMarkdown, word } from './mdoc.ts';

/** Returns fleet-health-config(5). */
export function configManual(): string {
  return manualPage({
    name: 'fleet-health-config',
    section: 5,
    description: 'the fleet and its alerts, for fleet-health',
    body: [
      '.Sh DESCRIPTION',
      ...prose(
        'What fleet-health knows of a fleet stands in a file of XML. ' +
          'Paths are relative to the file that names them; ~/ is the home of the account, and ' +
          '$CREDENTIALS_DIRECTORY/NAME a credential that systemd passes to a service. ' +
          'The schema config.xsd says to editors what this page says.',
      ),
      '.Pp',
      '.Dl fleet-health check',
      '.Pp',
      'names every fault with its line.',
      '.Sh ELEMENTS',
      ...configReference().flatMap(element),
      '.Sh FILES',
      ...tagged(
        ['./config.xml', '/etc/fleet-health/config.xml'].map((file) => ({
          term: `Pa ${file}`,
          lines: prose('Taken in this order where neither the command line nor FLEET_HEALTH_CONFIG names a file.'),
        })),
      ),
      '.Sh SEE ALSO',
      '.Xr fleet-health 1 ,',
      '.Xr fleet-health-agent 1',
    ],
  });
}

function element({ name, help, notes, example, attributes, takesSsh }: ElementReference): readonly string[] {
  return [
    `.Ss <${name}>`,
    ...prose(withoutMarkdown(help)),
    ...(notes.length === 0 ? [] : ['.Pp', ...prose(withoutMarkdown(notes.join(' ')))]),
    ...(example === null ? [] : ['.Bd -literal -offset indent', ...prose(example), '.Ed']),
    ...tagged(
      attributes.map((one) => ({
        term: `Cm ${one.name} No = Ar ${word(withoutMarkdown(one.values))}${one.isRequired ? ' Pq needed' : ''}`,
        lines: prose(withoutMarkdown(one.help)),
      })),
    ),
    ...(takesSsh ? ['.Pp', 'And every attribute of <ssh>.'] : []),
  ];
}
