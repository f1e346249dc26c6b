import { attributeKind } from '../../src/config/vocabulary/attribute-kinds.ts';
import { vocabulary } from '../../src/config/vocabulary/vocabulary.ts';
import { type AttributeSpec } from '../../src/config/vocabulary/element-spec.ts';
import { escapeMarkup } from '../../src/text/escape-markup.ts';

/**
 * Returns config.xsd, made from the vocabulary. The schema accepts every file that `check` accepts and more: only
 * `check` sees other attributes, files, and the place where a file is included. `npm run xsd` writes the file.
 */
export function schemaText(): string {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!-- Made from src/config/vocabulary/vocabulary.ts by `npm run xsd`; a test holds the two together. -->',
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">',
    '  <xs:element name="config" type="config"/>',
    ...Object.keys(vocabulary).flatMap((name) => complexType(name)),
    '</xs:schema>',
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Returns the elements that an element may contain. <config> is also the root of included files, so it may contain
 * their elements too.
 */
function childrenOf(parent: string): readonly string[] {
  const parents = parent === 'config' ? ['config', ...(vocabulary['include']?.parents ?? [])] : [parent];
  return Object.keys(vocabulary).filter((name) =>
    parents.some((one) => vocabulary[name]?.parents.includes(one) === true),
  );
}

function complexType(name: string): readonly string[] {
  const spec = vocabulary[name];
  if (spec === undefined) return [];
  const children = childrenOf(name);
  const choice =
    children.length === 0
      ? []
      : [
          '    <xs:choice minOccurs="0" maxOccurs="unbounded">',
          ...children.map((child) => `      <xs:element name="${child}" type="${child}"/>`),
          '    </xs:choice>',
        ];
  return [
    `  <xs:complexType name="${name}">`,
    ...documentation(spec.help, '    '),
    ...choice,
    ...Object.entries(spec.attributes).flatMap(([attribute, detail]) => attributeLines(attribute, detail)),
    '  </xs:complexType>',
  ];
}

function attributeLines(name: string, spec: AttributeSpec): readonly string[] {
  const use = spec.required === true ? ' use="required"' : '';
  return [
    `    <xs:attribute name="${name}"${use}>`,
    ...documentation(spec.help, '      '),
    ...simpleType(spec).map((line) => `      ${line}`),
    '    </xs:attribute>',
  ];
}

function documentation(help: string, indent: string): readonly string[] {
  return [`${indent}<xs:annotation><xs:documentation>${escapeMarkup(help)}</xs:documentation></xs:annotation>`];
}

function simpleType({ kind, words = [] }: AttributeSpec): readonly string[] {
  const enumeration = words.map((word) => `  <xs:enumeration value="${escapeMarkup(word)}"/>`);
  const choice = [
    '<xs:simpleType><xs:restriction base="xs:token">',
    ...enumeration,
    '</xs:restriction></xs:simpleType>',
  ];
  if (kind === undefined) return choice;
  const { base, pattern, min, max } = attributeKind(kind).xsd;
  const facets = [
    // An empty value is always a fault, whatever the form.
    ...(base === 'xs:integer' ? [] : ['  <xs:minLength value="1"/>']),
    ...(pattern === undefined ? [] : [`  <xs:pattern value="${escapeMarkup(pattern)}"/>`]),
    ...(min === undefined ? [] : [`  <xs:minInclusive value="${min}"/>`]),
    ...(max === undefined ? [] : [`  <xs:maxInclusive value="${max}"/>`]),
  ];
  const form = [`<xs:simpleType><xs:restriction base="${base}">`, ...facets, '</xs:restriction></xs:simpleType>'];
  // Any text includes the words.
  if (words.length === 0 || base === 'xs:string') return form;
  return [
    '<xs:simpleType><xs:union>',
    ...[...choice, ...form].map((line) => `  ${line}`),
    '</xs:union></xs:simpleType>',
  ];
}
