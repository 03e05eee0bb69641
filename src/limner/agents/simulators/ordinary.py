"""Words that say nothing of a title by themselves: many films are called by one or two of them ("It", "Big", "Something New")."""

__all__ = ["FUNCTION_WORDS", "ORDINARY_WORDS", "TALK_WORDS"]

_FUNCTION = """
a an the and or but nor so yet if of at by for from in into on onto to with without over under up down out off about after before
between through during as than like i me my mine we us our ours you your yours he him his she her hers it its they them their
theirs this that these those who whom whose which what when where why how is are was were be been being am do does did done
have has had having will would shall should can could may might must not s t d ll re ve m
"""
_TALK = """
action actor actress adult always another any anybody anyone anything awesome bad baby bed best better big bit bored boring call change
children classic comedy cool cute date dark day days dead different drama else enough even ever every everyone everything family fan fantasy
favorite favourite feel film films find fine first friend friends fun funny game get girl girls give glad go good great guess guy guys happy hard
hate heard hello help hi home horror idea just keep kid kids kind know last later laugh less let life like little long look looking lot love
lovely made make man maybe men mind mom more most movie movies much music musical mystery need never new next nice night nobody nothing now ok
okay old older one ones only other others party people perfect play please pretty real really recent right romance romantic sad same say scary
school see seen short show some somebody someone something start still story stuff stupid such sure take talk tell thank thanks then
thing things think thriller time today together tomorrow tonight too true try two wait want war watch watching way weird well western
white wild woman women wonderful work world worst wow wrong yeah year years yes no young haha lol oh hey ya yep yup nope nah
"""
_ORDINARY = """
able above accept accident account across act action actor actress actually adult adventure affair afraid again against age ago
agent ahead air alien alive all allow almost alone along already also always amazing american among amount angel anger angry
animal animated animation another answer any anybody anyone anything anyway anywhere apart apartment appear apple area arm army
around arrival art ask assassin association attack attention aunt author average awake award away awesome awful baby back bad
badly ball band bank bar bare base based basic bat battle beach bear beast beat beautiful beauty because become bed bedroom beer
began begin beginner beginning behind believe bell belong beloved below beneath bent best bet better beyond big bigger bike bill
biographical biography bird birth birthday bit bite black blade blame blast bleed blind blink blonde blood bloody blow blue blues
board boat body bolt bomb bond bone book border bored boring born boss both bother bottom bought bound bow box boy boyfriend brain
brave bread break breakdown breakfast breath breathe brick bride bridge brief bright brilliant bring broken brother brought brown
build building burn burning bury bus business busy butter button buy cabin cage cake call came camera camp can candle candy
captain car card care career careful carol carry cartoon case cash castle cat catch caught cause cave celebrate cell center
century certain chain chair challenge chamber chance change chaos character charge chase cheap cheat check cheer chef chicken
chief child childhood children chill chip chips choice choke choose chosen christmas church cinema circle circus city claim class
classic clean clear clerk clever click client climb clock close closer clothes cloud clown club clue coach coast coat code coffee
cold collect college collide color colour come comedy comfort comic coming commitment common company complete complex computer
concert condition confess confused connect contact continue control conversation cook cool cop copy corner correct cost couch
could count country couple courage course court cover cow cowboy crack craft crash crazy creature creep creepy crew cried crime
criminal cross crow crowd crown cruel cruise cry crying cup cure curious current curse cut cute dad daddy daily damage dance
dancer dancing danger dangerous dare dark darkness date dating daughter dawn day daylight dead deadly deal dear death debt decade
decide deep defend delight deliver demon den dentist departed depressing depth descent describe desert deserve desire destiny
detective detention devil diary dictator die died difference different difficult dinner direct director dirty disaster discover
discovery disease dish dislike divide divorce doctor documentary dog doing doll dollar dolphin dominate door dope double doubt
dove down dragon drama dramatic draw dream dreamer dress drink drive driver drop drug drum drunk dry duck due duel dumb dust duty
dying each eagle ear early earn earth easily east easy eat echo eclipse edge education eight either elephant eleven elf else
emotional emperor empire empty encounter end ending enemy engage england english enjoy enough enter entertain entertaining
entire epic equal error escape especially eve even evening event ever every everybody everyone everything everywhere evil
evolution exact exactly exam example excellent except exciting excuse exit expect experience expert explain explore extra extreme
eye face fact factory faculty fade fail fair fairy faith faithful fake fall fallen false fame familiar family famous fan fancy
fantastic fantasy far farm fashion fast faster fat fate father fault favor favorite favourite fear fearless feed feel feeling fell
fellow felt female fence fever few fiction field fight fighter fighting figure fill film final finally find fine finger finish
fire firm first fish fist five fix flash flat flesh flight flirt float floor flow flower fly flying focus fog follow following
food fool foot football force foreign forest forever forget forgive forgotten form former forty forward found four fox frank freak
free freedom frequent fresh friday friend friendly friends friendship frighten front frozen fruit fugitive full fun funny furious
fury further future gain gamble gambler game gang gangster garden gas gate gave gay general generally gentle genre get getting
ghost giant gift girl girlfriend give given giver glad glass glory go goal god goes going gold golden gone good got grab grace
graduate grand grandma grandpa gratitude gravity gray great greatest green grew grey grip grisly ground group grow grown growth
grudge guard guess guest guide guilt guilty gun guy hair half hall hand handle handsome hang happen happening happiness happy
hard hardly harm hate haunt haunted haunting head health hear heard heart heartbreak heat heaven heavy heist held hell hello help
here hero hidden hide high highly hill himself hire historical history hit hobby hold hole holiday holidays holy home honest
honestly honey honor hood hook hope horrible horror horse hospital hostage hot hotel hour hours house how however huge human
hundred hunger hungry hunt hunter hurricane hurry hurt husband hush hustle ice idea ideal identity ill illusion imagine
impossible impress incredible indeed independent infinite influence information innocent inside insider instead intense
interest interested interesting internship interview invisible invitation invite iron island issue jacket jail job jobs join
joke journey joy judge juice jump jumper jungle junior just justice keep key kick kid kidnap kids kill killer killing kind kinda
king kingdom kiss kitchen kite knew knife knight knock know knowing known lad lady lake land landing language large last late
lately later laugh laughter law lawyer lazy lead leader league learn least leather leave leaving left leg legend legendary
lemon less lesson let letter level liar liberty lie life lifetime lift light lightning likely limit line lion list listen literally
little live lives living load local lock logic lonely long longer look looking lord lose loser losing loss lost lot lots loud love
loved lovely lover loves loving low luck lucky lunch mad made madness magic magical maid mail main major make maker making male
mall man manage manager many map march mark market marriage married marry mask massive master match mate matrix matter maximum
maybe maze meal mean meaning meant measure meat medicine medium meet meeting member memory men mention mercy mermaid message met
metal middle midnight might mile military milk million mind miracle mirror misery miss missing mission mistake mix mob modern mom
moment money monkey monster monsters month mood moon moonlight moral morning most mostly mother motion motor mountain mouse mouth
move moved movie movies moving much mud multiple mum murder murderer muscle music musical mutant mystery naked name narrow nasty
natural nature near nearly neat necessary neck need neighbor neighbour neighbors nerve nervous nest net network never new news
next nice night nightmare nine ninja nobody noise none noon normal north nose note notebook nothing notice novel now nowhere
number nun nurse oblivion observe obsessed obvious ocean odd offer office officer official often oh oil ok okay old older once
one ones only open opera operation opinion opposite option orange order ordinary original orphan other others otherwise ought
outlaw outside outsider outsiders own pace pack page paid pain paint painting pair palace pan panic papa paper parade paradise
parent parents park part partner party pass passenger passengers passion past patch path patient patriot pattern pause pay payback
peace penguin people perfect perhaps period person personal pet pets phantom phone photo piano pick picnic picture piece pig pilot
pirate pit pity place plague plain plan plane planet plant plastic play player please pleasure plenty plot plus pocket poem poet
point poison police political pool poor pop popcorn popular porn position positive possess possession possible post postman pot
power powerful practical practice precious predator prefer pregnant present president press pressure prestige pretty prey price
pride priest prime prince princess prison prisoner prisoners private probably problem process producer professional program
project promise proof proper prophet proposal protect proud prove psycho public pull pulp punch punish puppet pure purge purple
purpose push put puzzle quality quarter queen quest question quick quickly quiet quit quite rabbit race racing radio rage raid
rain rainy raise ran random range rank rare rat rate rather raw reach reaction read reader reading ready real reality realize
really reason rebel recent recently reckless recommend record recruit red regret relate related relative release relief
religious remain remains remake remember remind rent repeat replacement replacements report rescue rest restaurant result
return returns reveal revenge revolution reward rich ride right ring rings rise rising risk river road rob robbery robot robots
rock rocket rocky role roll romance romantic romcom room root rope rose rough round row royal rude ruin rule rules rumor run
runner running rush rust sad saddle safe safety said sail saint sale salt same sand save saved saw say saying scandal scare
scared scary scene scent school science scientist scifi score scorpion scout scream screen sea search season seat second secret
section see seed seek seem seen self sell send senior sense sequel serenity serial series serious seriously serve service session
set setup seven several sex shade shadow shadows shake shallow shame shape share shark sharp shed shine shining ship shirt shock
shoe shoot shooter shop shopping short shot shots shoulder shout show shower shut sick side sight sign signal signs silence silent
silly silver similar simple simply simulation since sing singer singing single singles sink sinister sir siren sister sisters sit
site situation six size skill skin skull sky slap slasher slave sleep sleeper slice slide slow slowly small smart smell smile smoke
smooth snake snap snatch sneak snow social society soft sold soldier solo solution solve some somebody somehow someone something
sometimes somewhere son song soon sorry sort soul sound source south space spare spark speak special species speech speed spell
spend spider spies spin spirit spirits splash split sport sports spot spotlight spread spring spy square stage stake stalker
stand standard star stardust stars start state station stay steal steam steel step stepmom stick still sting stolen stomach stone
stop storm story straight strange stranger strangers stream street strength stress strike stripes strong stronger stuck student
studio study stuff stunt stupid style subject suburb success such sudden suddenly suffer sugar suggest suicide suit sum summer sun
sunday sunshine super superhero support supposed sure surprise surrender survive survivor suspect suspense sweet swim swing
switch sword symbol system table take taken taking tale talent talk tall tan tangled tank tap target task taste taxi tea teach
teacher team tear teen teenage teenager teeth television tell ten tend tense tension terminal terms terrible terror test text
thank thanks theater theatre theme then there therefore thick thief thing things think third thirteen though thought thousand
thread threat three thrill thriller throat throne throw thunder ticket tie tiger tight till time times tiny tip tired title
today together told tomorrow tone tongue tonight too took tooth top total totally touch tough tour toward tower town toy toys
track trade tradition traffic tragedy trail train training trap trash travel treasure treat tree trend trial tribe trick tried
trip triple troll trolls tropical trouble truck true truly trust truth try trying tunnel turn turning twelve twenty twice
twilight twin twins twist twisted two type ugly ultimate unable uncle underground understand undead uniform unique unit universe
unknown unless unlike until unusual upon upper upset use used useful usual usually vacation valley valuable value vampire
vampires van variety various vehicle vengeance very victim victory video view village villain violence violent vision visit voice
volcano vote vow voyage wait waiting wake walk walking wall want wanted war warm warn warrior warriors wash waste watch watched
watching water wave way ways weak weapon wear weather wedding wedding week weekend weird welcome well went west western wet wheel
while whisper white whole wicked wide wife wild wilderness willow win wind window wine wing winner winter wise wish witch witness
wolf woman women won wonder wonderful wood woods word words work worker world worried worry worse worst worth wow wreck wrestler
write writer writing written wrong yard yeah year years yellow yesterday yet young younger youth zero zombie zombies zone zoo
1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
"""

FUNCTION_WORDS = frozenset(_FUNCTION.split())
"""Articles, pronouns, prepositions and the like."""

TALK_WORDS = FUNCTION_WORDS | frozenset(_TALK.split())
"""These, and what people say all the time when they look for a film: two of them in a row are no title yet."""

ORDINARY_WORDS = TALK_WORDS | frozenset(_ORDINARY.split())
"""These, common words of talk about films, and numbers."""
