"""Everyday English words: they shape the small tokenizer's vocabulary and stand in for trigger words in captions."""

from __future__ import annotations

_TEXT = """
able about above across after again against age air all almost alone along already always among animal another answer any
apple area arm around art ask autumn away baby back bad bag bank basket bath bay beautiful bed bee before begin behind bell
below beside best better between big bird black blanket boat body book boot both bowl box boy branch bread bridge bright
bring brother brush bucket build burn bus bush busy butter butterfly button buy cake call camera camp candle cap card care
carry castle cat catch chair chalk change cheap cheese chicken child church circle city class clay clean clear climb clock
close cloth cloud coat coffee cold come common cook cool copper corner cotton country cover cow crown cup curtain cut dad
dance dark daughter day deep deer desk dinner dirty dish dog doll door down dragon draw dream dress drink drive drum dry
each ear early earth east easy eat edge egg eight elephant empty end engine enough evening every eye face fall family famous
far farm fast father feather feel fence few field fine finger fire first fish five flag flat floor flower fly fog food foot
forest fork fox fresh friend frog front fruit full funny garden gate gentle giant girl give glad glass glove go goat gold
good grand gray great ground group grow guitar hair half hammer hand happy hard hat have head hear heart heavy help hen here
hide high hill hold hole home hope horn horse hot hotel hour huge hundred ice idea inside iron island jacket jar jewel join
joy juice jump jungle keep kettle key kind king kitchen kite knife know ladder lake lamp land large last late laugh leaf
learn leather leg lemon letter light lily line lion little live long look lost loud love low lucky lunch machine make man
many map marble market mask meadow meal metal middle milk mirror modern moment money monkey month moon morning mother
mountain mouse mouth move museum music name narrow near neck nest new nice nine noise north nose number ocean off office
old onion only open other our outside oven over owl page paint palace paper park part path pattern pen pencil people pepper
perfect person phone piano pig pillow pin pine plane plant plastic plate play pocket poem pond pony pool poor port pot potato
present pretty prince princess puppet puppy queen quick quiet rabbit radio rain rainbow rare read ready real rich ride right
river road robot rock roof room root rope rose round royal run sad sail salt sand scarf school sea season seat seed sell
seven shadow shark sharp sheep shelf shell shine ship shirt shoe shop short shoulder show silver simple sing sister sit six
skin sky sleep slow small smile smooth snake soap sock sofa soft some song soup south space special spoon spring square stair
stand star station steel stick stone store storm story strange street strong student sugar summer sun sweet swim table tail
tall tea teacher teddy ten tent thick thin thing third three throw ticket tiger time tin tiny tired toast today together
tomato tooth top tower town toy train travel treasure true trunk turtle twin two ugly umbrella under uncle up valley vase
very village violin visit voice wagon wait walk wall warm wash watch water wave way wear weather west wet wheel wide wild wind
window wine winter wire wise wolf woman wonder wood wool word work world yard year young zebra zero
style cartoon painting drawing sculpture figure portrait background foreground scene sitting standing wearing holding
statue plush plushie stuffed backpack teapot clock vase sneaker sunglasses boot candle monster robot cat dog
photo picture image photograph rendering closeup view shot sketch render
"""
COMMON_WORDS: tuple[str, ...] = tuple(_TEXT.split())
