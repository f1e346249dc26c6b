// Has V8 compile functions together with the program that they are declared in. It would read them twice: once for
// their end, and again at their first call. V8 compiles a function expression in parentheses at once, so declarations
// become such expressions, at the beginning of the program because declarations are hoisted.
import { parseAst } from 'rolldown/parseAst';

/** The plugin for rolldown. `isEager` gets the path of a module and the name of a function: `PATH#NAME`. */
export const eagerFunctions = (isEager) => ({
  name: 'eager-functions',
  renderChunk: (code, { modules }) => {
    const names = Object.entries(modules).flatMap(([path, { code: own }]) =>
      functionsOf(own ?? '').flatMap(({ id: { name } }) => (isEager(`${path}#${name}`) ? [name] : [])),
    );
    const eager = functionsOf(code).filter(({ id }) => names.includes(id.name));
    const expressions = eager.map(({ id, start, end }) => `${id.name} = (${code.slice(start, end)})`);
    const rest = eager.reduceRight((left, { start, end }) => left.slice(0, start) + left.slice(end), code);
    return { code: `var ${expressions.join(',\n')};\n${rest}`, map: null };
  },
});

const functionsOf = (code) => parseAst(code).body.filter(({ type }) => type === 'FunctionDeclaration');
