/** What a video's manifest says of it. Nothing of it is a prompt: that is personal data, and what is signed cannot be taken back. */
export interface Claim {
  /** The program that signs, and its version. */
  readonly generator: { readonly name: string; readonly version: string };
  readonly job: JobFacts;
  /** When the video was made: what the law of some places asks for. */
  readonly createdAtMs: number;
  /** True when a watermark is in the frames. */
  readonly watermarked: boolean;
  /** What was given to make it from; for an edit, the clip that it is an edit of is `parent`. */
  readonly references?: readonly Reference[];
  readonly parent?: Reference;
}

/** Our own assertion: enough to find the job and the weights, and for the installation to show which request it was. */
export interface JobFacts {
  readonly id: string;
  readonly model: string;
  /** sha256 of the bundle, hex; null where the bundle has none. */
  readonly modelDigest: string | null;
  /** HMAC-SHA256 of the request under a key of the installation, hex: a plain hash would let anyone try prompts until one fits. */
  readonly requestHmac: string;
  /** Who runs the installation, where a law wants that said. */
  readonly provider?: string;
}

/** A file that a video was made from. Its own manifest is kept, with what its validation said, where it can be read. */
export interface Reference {
  readonly bytes: Uint8Array;
  /** As `image/png`, `image/jpeg`, `image/webp`, `video/mp4`. */
  readonly mimeType: string;
}

/** An ingredient as the library adds it: its definition, and the bytes where it can look into them. */
export interface IngredientTask {
  readonly definition: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array | null;
}

/** Label of our assertion. Whoever reads it must not take it for one of C2PA's own. */
export const JOB_LABEL = 'reelay.job';
/** C2PA 2.4 section 18.29; the library carries it as it carries any assertion. */
export const DISCLOSURE_LABEL = 'c2pa.ai-disclosure';
/** What an ingredient says of itself whose bytes were looked into in vain. */
export const UNREADABLE = 'Its C2PA data or its format could not be read, so no marks of it are kept.';
/** IPTC's word for made by a model. */
export const GENERATED = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';

/** Formats that the library finds manifests in; another reference is named without looking into it. */
const LOOKED_INTO = ['image/png', 'image/jpeg', 'image/webp', 'video/mp4', 'video/quicktime'];

/** The manifest of a claim, and the ingredients in the order in which they are added. */
export function describe(claim: Claim): { manifest: string; ingredients: IngredientTask[] } {
  const { generator, job, parent, references = [], watermarked, createdAtMs } = claim;
  const when = new Date(createdAtMs).toISOString();
  const agent = { name: generator.name, version: generator.version };
  const inputs = references.map((_, i) => `reference-${i + 1}`);
  const made = { digitalSourceType: GENERATED, softwareAgent: agent, when };
  const first = {
    action: 'c2pa.created',
    ...made,
    ...(inputs.length > 0 && { parameters: { ingredientIds: inputs } }),
  };
  const opened = [
    { action: 'c2pa.opened', softwareAgent: agent, parameters: { ingredientIds: ['parent'] } },
    { action: 'c2pa.edited', ...made, ...(inputs.length > 0 && { parameters: { ingredientIds: inputs } }) },
  ];
  // `.bound` and the plain word need a soft binding algorithm of C2PA's list, and ours is not on it.
  const marked = watermarked ? [{ action: 'c2pa.watermarked.unbound', softwareAgent: agent }] : [];
  const manifest = {
    claim_generator_info: [agent],
    format: 'video/mp4',
    title: `${job.id}.mp4`,
    assertions: [
      { label: 'c2pa.actions', data: { actions: [...(parent ? opened : [first]), ...marked] } },
      { label: DISCLOSURE_LABEL, data: disclosure(job) },
      { label: JOB_LABEL, data: { ...job } },
    ],
  };
  const ingredients = references.map((reference, i) => ingredient(reference, 'inputTo', inputs[i]!));
  if (parent) ingredients.unshift(ingredient(parent, 'parentOf', 'parent'));
  return { manifest: JSON.stringify(manifest), ingredients };
}

/** An ingredient that is named and not looked into, with a note where it could have been. */
export function unread(ingredient: IngredientTask): IngredientTask {
  if (ingredient.bytes === null) return ingredient;
  const definition = JSON.stringify({ ...JSON.parse(ingredient.definition), description: UNREADABLE });
  return { ...ingredient, definition, bytes: null };
}

/** A person asks, and nobody approves before delivery: C2PA calls that prompt_guided. */
function disclosure(job: JobFacts): object {
  return {
    modelType: 'c2pa.types.model.onnx',
    modelName: job.model,
    ...(job.modelDigest !== null && { modelIdentifier: `sha256:${job.modelDigest}` }),
    contentProfile: { humanOversightLevel: 'prompt_guided' },
  };
}

/** The title is ours: a name that somebody gave a file may be a person's. */
function ingredient({ bytes, mimeType }: Reference, relationship: string, name: string): IngredientTask {
  const definition = JSON.stringify({ title: name, format: mimeType, relationship, label: name });
  return { definition, mimeType, bytes: LOOKED_INTO.includes(mimeType) ? bytes : null };
}
