/** A template that can't be understood or carried out. */
export class TemplateFault extends Error {}
