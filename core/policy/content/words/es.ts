import type { LanguageWords } from '../vocabulary.ts';

/** Spanish. */
export const spanish: LanguageWords = {
  language: 'es',
  terms: {
    minor:
      'niño, niños, niña, niñas, bebé, bebés, bebe, infante*, infantil, adolescente*, menor de edad, menores de edad, menores, preadolescente*, colegial*, escolar, escolares, niñita*, niñito*, chiquill*, recién nacid*, alumna de primaria, crío, críos, párvulo*, quinceañera*',
    maybeMinor:
      'chica, chicas, chico, chicos, muchacha*, muchacho*, jovencita*, jovencito*, hija, hijas, hijo, hijos, nena, nenas',
    explicit:
      'sexual*, sexo, porno*, pornográf*, erótic*, erotismo, masturb*, orgasm*, incest*, acto sexual, pedoporno*, violación, violada, escena explícita, escenas explícitas, video explícito, vídeo explícito, contenido explícito',
    nudity:
      'desnud*, sin ropa, sin ropas, sin bragas, sin calzones, sin ropa interior, sin su ropa, sin vestir, en cueros, topless, senos, pechos descubiertos, genital*, pene, vagina, nalgas desnudas, nudista*, en pelotas',
    suggestive:
      'sexy, seductor*, sensual*, lencería, lasciv*, provocativ*, provocador*, insinuante*, fetich*, libidinos*, striptease*',
    undress: 'se desnuda, se desviste, desvestirse, quitándose la ropa, se quita la ropa, desvistiéndose',
    undressCommand:
      'desnúdala, desnúdalo, desviste a, desnuda a, desvístela, desvístelo, quítale la ropa, quitale toda, quita la ropa, quitar la ropa, elimina la ropa, eliminar la ropa, elimina su ropa, remueve la ropa, sácale la ropa, hazla desnuda, ponla desnuda',
    unasked:
      'cámara oculta, cámaras ocultas, cámara escondida, cámara espía, grabada en secreto, grabado en secreto, grabadas en secreto, grabada a escondidas, grabado a escondidas, filmada en secreto, sin su consentimiento, sin consentimiento, sin su permiso, sin permiso, sin que lo sepa, sin que ella lo sepa, sin que sepa, voyeur*, mirón, espiada*',
    leaked: 'filtrad*',
    privatePlace:
      'vestuario*, vestidor*, probador*, ducha*, duchando*, baño, baños, aseo*, dormitorio*, íntim*, intim*, cambiador*',
    abuseImagery:
      'porno vengativo, porno de venganza, pornovenganza, pornografía vengativa, upskirt*, fotos íntimas filtradas, desnudos filtrados, falsos desnudos',
    realPerson:
      'mi ex, mi vecina*, mi vecino*, mi compañera*, mi compañero*, mi jefa, mi jefe, mi profesora*, mi profesor*, mi maestra*, mi amiga*, mi amigo*, mi hermana*, mi colega*, famosa, famoso, celebridad*, actriz famosa, actriz conocida, actor famoso, cantante famosa, cantante famoso, cantante conocida, persona real, mujer real, personas reales, política conocida, político conocido, esta persona, esta mujer, este hombre, la mujer de la foto, la persona de la foto, el presidente del, el presidente de, la presidenta',
    imitation:
      'deepfake*, ultrafals*, intercambio de caras, cambio de cara, cambiar la cara, con la cara de, con el rostro de, la cara de, el rostro de, clonar la voz, voz clonada, idéntic* a, igualit* a, doble exacto de, suplantar*, suplant*, idéntica a, idéntico a',
    showing:
      'foto de, fotos de, fotografía de, imagen de, imágenes de, video de, vídeo de, videos de, vídeos de, clip de, retrato de, película de, grabación de, entrevista con, entrevista a, discurso de, con la cara de, con el rostro de, la cara de, la voz de, voz clonada de, idéntica a, idéntico a',
    context:
      'médic*, doctor*, enfermer*, hospital*, clínic*, cirug*, ciruj*, anatom*, pediatr*, partera*, matrona*, lactancia, amamant*, parto, nacimiento, dermatólog*, salud, primeros auxilios, museo*, galería*, pintura*, pintor*, escultura*, escultor*, estatua*, mármol, renacimiento, renacentista*, barroc*, fresco, historia del arte, educa*, lección, conferencia, documental*, noticia*, prevención, sensibilización',
    clothing: 'ropa, vestido, vestida, vestidos, prendas, camisa, pantalón',
    grownUp: 'adulto, adulta, adultos, adultas, mujer, mujeres, hombre, hombres, anciano, anciana',
  },
  onlyHere: { minor: 'menor, cria', nudity: 'pechos, cuero' },
  signs: 'el, la, los, las, un, una, de, del, y, con, en, por, para, su, es, que, al, sin, mi, esta',
  idioms:
    'simple vista, ojo desnudo, verdad desnuda, pies desnudos, árboles desnudos, árbol desnudo, ramas desnudas, pared desnuda, paredes desnudas, rata topo desnuda, educación sexual, salud sexual, reproducción sexual, contra el abuso sexual, bello sexo, asia menor, osa menor, la menor duda, do menor, re menor, mi menor, sol menor, la menor, si menor, hermano menor, hermana menor, gato adulto, cuero negro, cuero marrón, chaqueta de cuero',
  negators: 'sin, no, ningún, ninguna, nada de',
  negatable: 'desnudez, desnudos, contenido sexual, contenido explícito, erotismo, pornografía, contenido para adultos',
  ageAfter: 'años, anos, añitos',
  ageBefore: 'edad de, con edad',
  numbers:
    'un/uno, dos, tres, cuatro, cinco, seis, siete, ocho, nueve, diez, once, doce, trece, catorce, quince, dieciséis, diecisiete',
};
