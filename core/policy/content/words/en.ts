import type { LanguageWords } from '../vocabulary.ts';

/** English. */
export const english: LanguageWords = {
  language: 'en',
  terms: {
    minor:
      'child, children, childlike, kid, kids, kiddo*, toddler*, infant, infants, baby, babies, newborn*, preteen*, pre teen*, tween, tweens, teen, teens, teenage*, adolescent*, minor, minors, underage*, under age, juvenile*, schoolgirl*, schoolboy*, school girl*, school boy*, schoolchild*, little girl*, little boy*, young girl*, young boy*, small girl*, small boy*, prepubescent*, youngster*, kindergartner*, preschooler*, grade schooler*, middle schooler*, high schooler*, elementary student*, grader, graders, school student*, school pupil*, 👧, 👦, 🧒, 👶',
    maybeMinor:
      'girl, girls, boy, boys, daughter*, son, sons, girlish, boyish, youth, youths, youthful, barely legal, young looking, looks young',
    explicit:
      'sex, sexual, sexually, sexualiz*, sexualis*, porn, porno*, pornograph*, xxx, nsfw, hentai, erotic*, masturbat*, intercourse, orgasm*, incest*, molest*, fondl*, raped, raping, explicit scene*, explicit video*, explicit image*, explicit content, explicit act*, having sex, 🔞',
    nudity:
      'nude, nudes, nudity, nudist*, naked, nakedness, topless, undressed, unclothed, unclad, disrobed, no clothes, no clothing, without clothes, without clothing, without any clothes, without any clothing, no underwear, without underwear, no pants, without pants, no panties, without panties, bare breast*, bare bottom, bare buttocks, bare body, birthday suit, breasts, buttocks, genital*, penis*, vagina*',
    suggestive:
      'sexy, seductive*, sensual*, lingerie, lewd*, fetish*, aroused, arousing, provocative pose*, suggestive pose*, suggestively, provocatively, striptease*, kinky, lustful*',
    undress:
      'undress, undresses, undressing, disrobe*, disrobing, strips off, stripping off, takes off _ clothes, taking off _ clothes, clothes come off, clothes removed, clothes fall off, clothing removed, remove _ shirt, remove _ dress, remove _ bikini, remove _ underwear, remove _ bra, take off _ shirt, take off _ dress, take off _ bikini, take off _ underwear, take off _ bra, under her clothes, under his clothes, beneath her clothes, beneath his clothes',
    undressCommand:
      'undress her, undress him, undress them, undress this, undress the _, undress my, nudif*, deepnude*, unclothe, remove _ clothes, remove _ clothing, remove all clothes, remove clothes from, remove all _ clothes, remove all of _ clothes, take off _ clothes, take _ clothes off, strip _ naked, make _ naked, make _ nude, make _ _ naked, make _ _ nude, see through _ clothes, x ray _ clothes',
    unasked:
      'hidden camera*, hidden cam, spy cam*, spycam*, secretly film*, secretly record*, secretly photograph*, secretly tap*, without her consent, without his consent, without their consent, without consent, without her knowledge, without his knowledge, without their knowledge, without permission, voyeur*, peeping, peephole, non consensual*, nonconsensual*',
    leaked: 'leaked',
    privatePlace:
      'changing room*, locker room*, dressing room*, fitting room*, shower, showers, showering, bathroom, toilet*, bedroom, intimate, undressing',
    abuseImagery:
      'revenge porn*, upskirt*, creepshot*, leaked nude*, leaked intimate, deepfake porn*, deepfake nude*, fake nude*',
    realPerson:
      'my ex, my ex _, my neighbor*, my neighbour*, my coworker*, my co worker*, my colleague*, my boss, my teacher*, my classmate*, my friend*, my sister*, my roommate*, my crush, her real face, his real face, celebrity, celebrities, real person, real people, real woman, real man, real life person, famous actress, famous actor, famous singer, famous politician, famous athlete, well known actress, well known actor, well known singer, pop star, movie star, film star, the president, the prime minister, this person, this woman, this man, this girl, the person in, the _ in the photo, the _ in the picture, the _ in the image, the _ in the reference, the _ in the reference _, the _ in this photo, the _ in this picture, the _ in this image, the uploaded photo, the attached photo, the reference photo, woman from work, man from work',
    imitation:
      'deepfake*, deep fake*, face swap*, faceswap*, swap _ face, swap the face, with the face of, put the face of, using the face of, clone _ voice, clone the voice, voice clone*, likeness of, exact double of, impersonat*, lookalike of, looks exactly like, look exactly like, indistinguishable from',
    showing:
      'photo of, photos of, photograph of, picture of, image of, images of, video of, videos of, clip of, footage of, portrait of, film of, selfie of, scene of, speech by, interview with, starring, featuring, with the face of, the face of, the voice of, likeness of, deepfake of, looks exactly like, look exactly like',
    context:
      'medical*, medicine, doctor*, nurse*, hospital*, clinic, clinical, surgeon*, surgical*, anatom*, pediatric*, paediatric*, midwi*, dermatolog*, patholog*, breastfeed*, breast feeding, lactation, nursing, birth, childbirth, obstetric*, health, first aid, museum*, gallery, galleries, painting*, painter*, sculpture*, sculptor*, statue*, statues, marble, renaissance, baroque, fresco*, art history, artwork*, classical, education*, lecture*, textbook*, explainer, documentary, news, awareness, prevention',
    clothing: 'clothes, clothing, clothed, dressed, garment*, outfit*, dress, shirt*, pants, underwear, swimsuit*',
    grownUp: 'adult, adults, mature, grown up*, old woman, old man, elderly, woman, women, man, men',
  },
  veiled: {
    coded: 'wnvyonvg, ybyvpba, fubgnpba, pfnz, crqbcbea*, xvqqvr cbea*, puvyq cbea*',
    minor: 'ybyv, ybyvf, fubgn',
  },
  signs: 'the, a, an, of, and, with, in, is, on',
  idioms:
    'topless convertible*, naked eye*, naked mole*, naked truth, naked flame*, naked light bulb*, naked bike*, naked cake*, naked tree*, naked branch*, nude lipstick*, nude shade*, nude color*, nude colour*, nude tone*, nude heel*, nude nail*, nude makeup, nude palette*, sex education, sex ed, sexual education, sexual health, sexual abuse prevention, sexual reproduction, sexual dimorphism, sexual selection, sex chromosome*, remove _ clothes from the wash*, remove _ clothes from the dryer, remove _ clothes from the suitcase, remove _ clothes from the line, preventing sexual abuse, prevent sexual abuse, against sexual abuse, same sex, opposite sex, biological sex, sex of the, sex ratio, sex and the city, adult cat*, adult dog*, adult elephant*, adult bird*, baby oil, baby blue, baby pink, baby grand*, baby shower*, baby carrot*, asia minor, ursa minor, c minor, d minor, e minor, f minor, g minor, b minor, minor key, minor scale, minor chord*, minor league*, minor road*, minor repair*, minor character*, minor injur*, minor detail*, goat kid*, chicken breasts, turkey breasts, kid gloves, child node*, child process*, deepfake detection, deepfake awareness, csam prevention, csam detection, against csam',
  negators: 'no, not, without, non, free of, never, zero',
  negatable:
    'nudity, sexual content, explicit content, adult content, nsfw, nsfw content, sexual, sexual themes, porn, pornography',
  ageAfter: 'year old*, years old, yr old*, yrs old, yo, y o, years of age, yearold*, yr',
  ageBefore: 'aged, age, age of, looks, looks like, looks about, looks only, looking',
  numbers:
    'one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, seventeen',
};
