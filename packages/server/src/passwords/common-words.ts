/**
 * Common passwords and the words they are built from, in lower case. Some eight hundred, written by
 * hand for this project: no extract of a leak, and no claim to be complete. Entries of four characters or more only.
 */
export const commonWords: ReadonlySet<string> = new Set(
  `
  password passwort passw0rd pass word passphrase passcode secret secure security private access account login logon
  signin signup user username userpass admin administrator root superuser sysadmin webmaster manager master supervisor
  operator guest visitor test testing tester demo sample example default change changeme changethis temp temporary
  letmein welcome hello hello123 helloworld goodbye whatever nothing something anything everything trustno1 opensesame
  abc123 abcd1234 a1b2c3d4 qwerty qwertz azerty qwerty123 asdf asdfgh zxcv zxcvbn 1q2w3e 1q2w3e4r 1qaz2wsx q1w2e3r4
  zaq12wsx qazwsx 123qwe qwe123 123abc 1234 12345 123456 1234567 12345678 123456789 1234567890 987654321 112233 121212
  123123 123321 111111 222222 333333 444444 555555 666666 777777 888888 999999 000000 696969 101010 159753 147258 147258369
  iloveyou iloveu loveyou iloveme lovely love lover loveme mylove truelove forever always together sweetheart honey
  sunshine moonlight starlight rainbow butterfly flower flowers blossom daisy lily rose violet jasmine orchid tulip
  princess prince queen king knight angel angels devil demon heaven paradise dream dreams dreamer magic wizard witch
  dragon tiger lion panther eagle falcon hawk phoenix wolf bear shark dolphin monkey gorilla elephant horse pony kitty
  kitten puppy doggy bunny rabbit turtle penguin spider snake cobra viper scorpion mustang ferrari porsche mercedes
  corvette camaro harley yamaha honda toyota nissan suzuki ducati jaguar bentley lamborghini bugatti tesla
  football baseball basketball soccer hockey tennis golf golfer cricket rugby volleyball swimming runner fishing hunter
  hunting skater surfer boxing wrestling karate ninja samurai warrior soldier ranger sniper killer slayer hunter2 gunner
  liverpool chelsea arsenal manchester barcelona realmadrid juventus bayern everton tottenham celtic rangers yankees
  lakers cowboys eagles steelers packers raiders dodgers redsox giants bulldogs broncos patriots dolphins
  superman batman spiderman ironman wolverine hulk thor avengers marvel joker robin catwoman deadpool starwars
  startrek skywalker vader darthvader yoda jedi gandalf frodo hobbit matrix terminator rambo rocky godzilla
  pokemon pikachu charizard naruto sasuke goku vegeta dragonball onepiece mario luigi zelda sonic tetris minecraft fortnite
  roblox warcraft starcraft counterstrike callofduty halo diablo overwatch playstation nintendo xbox gamer gaming
  michael jennifer jessica ashley amanda daniel david joshua matthew andrew christopher nicholas anthony robert william
  joseph thomas charles charlie george james john johnny jordan justin kevin brian steven stephen richard patrick
  alexander alexandra samantha stephanie elizabeth michelle nicole melissa heather rebecca victoria vanessa veronica
  natasha natalie patricia barbara sandra maria marina martina carolina valentina gabriel rafael miguel carlos antonio
  fernando alejandro francisco eduardo ricardo sergio marcus martin oliver oscar lucas hannah sophie sophia emma olivia
  emily isabella charlotte madison maggie ginger buster buddy bailey bandit shadow smokey snoopy tigger peanut pepper
  cookie chocolate vanilla caramel candy sugar cherry strawberry banana orange apple pineapple peaches mango lemon
  coffee cheese butter bacon burger pizza chicken turkey potato tomato whiskey vodka tequila guinness heineken budweiser
  summer winter spring autumn january february march april june july august september october november december
  monday tuesday wednesday thursday friday saturday sunday morning evening midnight tonight today tomorrow yesterday
  christmas easter halloween birthday holiday holidays vacation weekend newyear thanksgiving anniversary
  london paris berlin madrid moscow newyork chicago boston dallas houston austin denver seattle california florida
  texas virginia georgia arizona hawaii america american canada england ireland scotland germany france spain italy
  portugal brazil mexico argentina colombia russia poland ukraine turkey india china japan korea australia africa
  europe internet computer laptop desktop keyboard monitor server database network router firewall system windows
  microsoft google apple iphone android samsung facebook instagram twitter youtube linkedin netflix amazon yahoo gmail
  hotmail outlook office oracle cisco linux ubuntu debian github docker kubernetes python javascript typescript
  company business corporate enterprise finance money dollar dollars million millionaire billionaire rich cash bank
  banking bitcoin ethereum crypto trading success winner champion legend genius hero heroes star stars superstar
  rockstar rock metal metallica slipknot nirvana acdc beatles eminem tupac madonna britney shakira guitar drums music
  musica musician piano violin trumpet dance dancer disco party rocknroll hiphop reggae bobmarley
  jesus christ jesuschrist godislove god1 faith blessed blessing church bible amen allah mohammed krishna ganesh
  buddha spirit spiritual soul peace freedom liberty justice victory glory power powerful energy thunder lightning
  storm hurricane tornado volcano ocean river mountain forest desert island beach sunset sunrise diamond crystal
  silver golden platinum ruby emerald sapphire pearl black white blue green yellow purple red1 pink brown scarlet
  happy smile smiley laughing funny crazy cool awesome amazing perfect beautiful pretty gorgeous sexy sexyboy sexygirl
  babygirl babyboy baby babe daddy mommy mother father mama papa brother sister family friend friends bestfriend
  boyfriend girlfriend husband wife marriage wedding married single number numberone numero uno dos tres
  one two three four five six seven eight nine zero onetwothree fourfive student teacher school college university
  doctor nurse lawyer police fireman engineer developer programmer hacker hacking cracker pirate captain commander
  general colonel sergeant marines army navy airforce military weapon bullet pistol rifle
  asshole bastard bitch fuck fucker fuckyou fuckoff motherfucker shit bullshit damn hell pussy dick cunt whore
  blowme biteme suckit eatme horny hardcore playboy playgirl penthouse hustler
  parola contrasena senha motdepasse geheim geheimnis hallo servus bonjour salut soleil loulou doudou chouchou
  schatz liebe ichliebedich hola teamo tequiero amor corazon estrella bonita princesa ciao amore bella juventus
  forzamilan privet parol qwerty12 marina nastya lyubov wachtwoord welkom hemligt losenord salasana haslo heslo
  jelszo sifre parool slaptazodis lozinka
  `
    .split(/\s+/)
    .filter((word) => word.length >= 4),
)
