"""The classes that Magenta publishes models for, so that a shell can complete them."""

__all__ = ["CLASSES"]

_TEXT = """
alarm_clock ambulance angel ant antyoga backpack barn basket bear bee beeflower bicycle bird book brain
bridge bulldozer bus butterfly cactus calendar castle cat catbus catpig chair couch crab crabchair
crabrabbitfacepig cruise_ship diving_board dog dogbunny dolphin duck elephant elephantpig everything eye
face fan fire_hydrant firetruck flamingo flower floweryoga frog frogsofa garden hand hedgeberry hedgehog
helicopter kangaroo key lantern lighthouse lion lionsheep lobster map mermaid monapassport monkey mosquito
octopus owl paintbrush palm_tree parrot passport peas penguin pig pigsheep pineapple pool postcard
power_outlet rabbit rabbitturtle radio radioface rain rhinoceros rifle roller_coaster sandwich scorpion
sea_turtle sheep skull snail snowflake speedboat spider squirrel steak stove strawberry swan swing_set
the_mona_lisa tiger toothbrush toothpaste tractor trombone truck whale windmill yoga yogabicycle
"""

CLASSES = tuple(_TEXT.split())
