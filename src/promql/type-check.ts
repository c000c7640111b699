import type { BinaryOperation, Expression } from './expression.ts';
import type { Fault } from './fault.ts';
import { aggregationParameterOf, parametersOf, returnTypeOf, type PromqlType } from './functions.ts';

const inWords: Record<PromqlType, string> = {
  scalar: 'a scalar',
  vector: 'an instant vector',
  string: 'a string',
  matrix: 'a range vector',
};

const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '>', '<=', '>=']);
const setOperators: ReadonlySet<string> = new Set(['and', 'or', 'unless']);

/** The static type of an expression, by Prometheus' rules (promql/parser, checkAST); violations are added to `faults`. */
export function typeOf(expression: Expression, faults: Fault[]): PromqlType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
      return 'vector';
    case 'paren':
      return typeOf(expression.of, faults);
    case 'unary':
      return typeOfUnary(expression.of, faults);
    case 'matrix':
      if (expression.of.kind !== 'selector') {
        const message = 'a range like [5m] stands after a selector only; over an expression it is a subquery, [5m:1m]';
        faults.push({ offset: expression.of.to, message });
      }
      typeOf(expression.of, faults);
      return 'matrix';
    case 'subquery':
      expect('vector', expression.of, 'a subquery', faults);
      return 'matrix';
    case 'modified':
      return typeOfModified(expression, faults);
    case 'binary':
      return typeOfBinary(expression, faults);
    case 'call':
      checkCall(expression, faults);
      return returnTypeOf(expression.name);
    case 'aggregate':
      checkAggregation(expression, faults);
      return 'vector';
  }
}

function expect(wanted: PromqlType, argument: Expression, of: string, faults: Fault[]): void {
  const found = typeOf(argument, faults);
  if (found === wanted) return;
  const remedy = wanted === 'matrix' && argument.kind === 'selector' ? ': add a range, [{{window}}]' : '';
  faults.push({
    offset: argument.from,
    message: `${of} takes ${inWords[wanted]}, and this is ${inWords[found]}${remedy}`,
  });
}

function typeOfUnary(of: Expression, faults: Fault[]): PromqlType {
  const type = typeOf(of, faults);
  if (type === 'scalar' || type === 'vector') return type;
  faults.push({ offset: of.from, message: `a sign takes a scalar or an instant vector, and this is ${inWords[type]}` });
  return 'vector';
}

function typeOfModified({ modifier, of }: Modified, faults: Fault[]): PromqlType {
  if (!['selector', 'matrix', 'subquery', 'modified'].includes(of.kind)) {
    const message = `${modifier} stands after a selector or a subquery only, inside the brackets of a function`;
    faults.push({ offset: of.to, message });
  }
  for (let inner = of; inner.kind === 'modified'; inner = inner.of) {
    if (inner.modifier === modifier) faults.push({ offset: of.to, message: `${modifier} is given twice` });
  }
  return typeOf(of, faults);
}

function typeOfBinary(binary: Expression & BinaryOperation, faults: Fault[]): PromqlType {
  const { operator, left, right } = binary;
  const [leftType, rightType] = [left, right].map((side) => {
    const type = typeOf(side, faults);
    if (type === 'scalar' || type === 'vector') return type;
    const message = `the operator ${operator} takes scalars and instant vectors, and this is ${inWords[type]}`;
    faults.push({ offset: side.from, message });
    return 'vector';
  });
  const withScalar = leftType === 'scalar' || rightType === 'scalar';
  const bothScalar = leftType === 'scalar' && rightType === 'scalar';
  const complain = (message: string) => faults.push({ offset: left.to, message });
  if (setOperators.has(operator) && withScalar) complain(`the operator ${operator} takes instant vectors, not scalars`);
  if (binary.matching && withScalar) complain('vector matching is allowed between instant vectors only');
  if (binary.bool && !comparisons.has(operator)) complain('`bool` is allowed after a comparison only');
  if (bothScalar && comparisons.has(operator) && !binary.bool) {
    complain(`a comparison of two scalars is written with bool: ${operator} bool`);
  }
  return bothScalar ? 'scalar' : 'vector';
}

type Modified = Extract<Expression, { kind: 'modified' }>;
type Call = Extract<Expression, { kind: 'call' | 'aggregate' }>;

function checkCall(call: Call, faults: Fault[]): void {
  const parameters = parametersOf(call.name);
  const given = call.arguments.length;
  if (parameters === undefined) {
    for (const argument of call.arguments) typeOf(argument, faults);
    return;
  }
  const { required, most, types } = parameters;
  if (given < required || given > most) {
    const bound = given < required ? `at least ${required}` : `at most ${most}`;
    const wanted = required === most ? `${required}` : bound;
    faults.push({ offset: call.from, message: `${call.name}() has ${given} arguments, and takes ${wanted}` });
  }
  call.arguments.forEach((argument, index) => {
    const type = types[Math.min(index, types.length - 1)];
    if (type === undefined) typeOf(argument, faults);
    else expect(type, argument, `${call.name}()`, faults);
  });
}

function checkAggregation(call: Call, faults: Fault[]): void {
  const parameter = aggregationParameterOf(call.name);
  const types: readonly PromqlType[] = parameter === undefined ? ['vector'] : [parameter, 'vector'];
  if (call.arguments.length !== types.length) {
    const wanted = types.map((type) => inWords[type]).join(' and ');
    const message = `${call.name}() has ${call.arguments.length} arguments, and takes ${wanted}`;
    faults.push({ offset: call.from, message });
  }
  call.arguments.forEach((argument, index) => {
    const type = types[index];
    if (type !== undefined) expect(type, argument, `${call.name}()`, faults);
  });
}
