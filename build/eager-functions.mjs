// Makes V8 compile the functions of a program together with the program. Otherwise V8 reads them twice: once for their
// end, and again at their first call. V8 compiles a function expression in parentheses at once. Declarations therefore
// become such expressions, at the beginning of the program because declarations are hoisted.
import { parseAst } from 'rolldown/parseAst';

/** The plugin for rolldown. Modules that are imported on demand stay unchanged. */
export const eagerFunctions = {
  name: 'eager-functions',
  renderChunk: (code, { isEntry }) => {
    if (!isEntry) return null;
    const functions = parseAst(code).body.filter(({ type }) => type === 'FunctionDeclaration');
    const expressions = functions.map(({ id, start, end }) => `${id.name} = (${code.slice(start, end)})`);
    const rest = functions.reduceRight((left, { start, end }) => left.slice(0, start) + left.slice(end), code);
    return { code: `var ${expressions.join(',\n')};\n${rest}`, map: null };
  },
};
