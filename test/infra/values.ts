/**
 * A property of a template with its functions carried out, as far as that goes without deploying: what only a deployment knows is the
 * name of what it refers to, in angle brackets.
 */
export function evaluate(property: unknown): unknown {
  if (Array.isArray(property)) return property.map(evaluate);
  if (property === null || typeof property !== 'object') return property;
  const entries = Object.entries(property as Record<string, any>);
  const [[name, argument] = ['', undefined]] = entries;
  if (entries.length === 1) {
    if (name === 'Fn::Join') return argument[1].map(evaluate).join(argument[0]);
    if (name === 'Ref') return argument === 'AWS::Region' ? 'here' : `<${argument}>`;
    if (name === 'Fn::GetAtt') return `<${argument.join('.')}>`;
    if (name === 'Fn::ImportValue') return `<${evaluate(argument)}>`;
  }
  return Object.fromEntries(entries.map(([key, value]) => [key, evaluate(value)]));
}
