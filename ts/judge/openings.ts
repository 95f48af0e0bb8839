import type { JumpResource, JumpTarget, PortResource, Resource } from '../config/model.js';
import { OPENING_KINDS, type Opening, type OpeningKind } from '../native/firewall.js';

/** One enforcement element that a resource leads to, before it is known for whom. */
export interface OpeningPattern {
  readonly kind: OpeningKind;
  readonly port: number;
  readonly resource: number;
  /** Whether each address has an element of its own; otherwise one serves everybody. */
  readonly perAddress: boolean;
  /** The part of the element's key that does not depend on the address. */
  readonly key: string;
}

/** The elements that a lease on `resource` keeps open. */
export function openingPatterns(resource: Resource): OpeningPattern[] {
  return resource.kind === 'port' ? portPatterns(resource) : jumpPatterns(resource);
}

/** `pattern` for one address (16 bytes). */
export function openingFor(pattern: OpeningPattern, address: Buffer): Opening {
  return { kind: pattern.kind, port: pattern.port, resource: pattern.resource, address };
}

function portPatterns(resource: PortResource): OpeningPattern[] {
  const { id, port } = resource;
  const protocols = [
    ...(resource.tcp ? ['tcp' as const] : []),
    ...(resource.udp ? ['udp' as const] : []),
  ];
  // Not the resource but the port is the key: it is what the kernel's set knows.
  return protocols.map((kind) => ({
    kind,
    port,
    resource: id,
    perAddress: true,
    key: `${kind}/${port}/`,
  }));
}

function jumpPatterns(resource: JumpResource): OpeningPattern[] {
  const hooks = ['input', 'forward', 'output'] as const;
  return hooks.flatMap((hook) => jumpPattern(resource.id, hook, resource[hook]));
}

function jumpPattern(
  id: number,
  hook: OpeningKind,
  target: JumpTarget | undefined,
): OpeningPattern[] {
  if (target === undefined) {
    return [];
  }
  const key = `${hook}/${id}/`;
  return [{ kind: hook, port: 0, resource: id, perAddress: target.matchSource, key }];
}

/** Whether elements of this kind are counted one for each holder, as upstream's rules would be. */
export function countsByHolder(kind: OpeningKind): boolean {
  return OPENING_KINDS[kind] >= OPENING_KINDS.input;
}
