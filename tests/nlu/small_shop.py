"""A small bilingual data set, in a merchant's mark-up."""

from __future__ import annotations

from bot.domain import Domain
from bot.training_data.data import Example, NluData, TrainingData
from bot.training_data.markup import parse_markup

TRAIN = {
    "order_status": """
        where is my order [SO-10231](order_number)
        has my order [#4471](order_number) been shipped yet
        track my parcel please
        when will my package arrive
        status of order [88213](order_number)
        I have been waiting for my order for a week
        where is order [73110](order_number)
        did order [90417](order_number) leave the warehouse
        我的订单[SO-10231](order_number)到哪了
        订单[88213](order_number)发货了吗
        帮我查一下物流
        我的快递什么时候到
        包裹怎么还没到
        查询订单[4471](order_number)的状态
    """,
    "refund": """
        I want my money back
        how do I get a refund for the [red](color) jacket
        when is the refund paid
        please refund my payment
        give me a refund for the [blue](color) shoes
        refund the [black](color) bag
        我要退款
        退款什么时候到账
        我想退掉那件[红色](color)的外套
        [蓝色](color)的鞋子能退钱吗
        请把钱退给我
        [黑色](color)的包我要退款
    """,
    "stock": """
        do you have the [red](color) dress in size [M](size)
        is the [black](color) coat available in [XL](size)
        do you sell [blue](color) jeans
        is size [S](size) in stock
        have you got [white](color) shirts in [L](size)
        [红色](color)的裙子有[M](size)码吗
        [黑色](color)大衣还有货吗
        有[蓝色](color)的牛仔裤吗
        [S](size)码还有吗
        [白色](color)衬衫[L](size)号有没有库存
        这款有[XL](size)码吗
        [绿色](color)的还有吗
    """,
    "human": """
        let me talk to a human
        I want to speak with a real person
        connect me to an operator
        customer service please
        get me an agent
        转人工
        我要人工客服
        找真人跟我说
        请帮我接客服
        叫你们的客服来
    """,
    "greet": """
        hello
        hi there
        good morning
        hey
        good evening to you
        你好
        您好
        早上好
        嗨
        晚上好
    """,
    "travel": """
        send it from [Berlin]{"entity": "city", "role": "from"} to [Paris]{"entity": "city", "role": "to"}
        from [Rome]{"entity": "city", "role": "from"} to [Oslo]{"entity": "city", "role": "to"} please
        ship from [Paris]{"entity": "city", "role": "from"} to [Berlin]{"entity": "city", "role": "to"}
        please ship it from [Lima]{"entity": "city", "role": "from"} to [Bonn]{"entity": "city", "role": "to"}
        I am sending it from [Bonn]{"entity": "city", "role": "from"} to [Lima]{"entity": "city", "role": "to"}
        post the box from [Cairo]{"entity": "city", "role": "from"} to [Rome]{"entity": "city", "role": "to"}
        what does shipping to [Oslo]{"entity": "city", "role": "to"} cost
        从[北京]{"entity": "city", "role": "from"}寄到[上海]{"entity": "city", "role": "to"}
        从[上海]{"entity": "city", "role": "from"}发到[广州]{"entity": "city", "role": "to"}要多少钱
        寄到[北京]{"entity": "city", "role": "to"}多少钱
        从[广州]{"entity": "city", "role": "from"}寄到[北京]{"entity": "city", "role": "to"}
    """,
}

HELD_OUT = {
    "order_status": ["where is my parcel 99123", "has it been shipped", "我的包裹到哪里了", "帮我查订单12345"],
    "refund": ["I would like a refund", "refund my money please", "我想要退款", "什么时候退钱给我"],
    "stock": ["do you have black shoes in size L", "is the green one in stock", "白色的裙子有货吗", "有红色的M码吗"],
    "human": ["can I talk to a person", "I need an operator", "我要找人工", "请转客服"],
    "greet": ["good afternoon", "hello there", "下午好", "你好呀"],
}


def small_shop() -> TrainingData:
    """TRAIN as the reader would hand it over."""
    examples = []
    for intent, block in TRAIN.items():
        for line in filter(None, map(str.strip, block.splitlines())):
            marked = parse_markup(line)
            examples.append(Example(text=marked.text, intent=intent, entities=tuple(marked.entities)))
    synonyms = {"红色": "red", "crimson": "red"}
    lookups = {"color": ("red", "blue", "navy blue", "红色", "藏青色")}
    nlu = NluData(tuple(examples), synonyms=synonyms, lookups=lookups, regexes={"order_number": (r"SO-\d{5}",)})
    return TrainingData(Domain(), nlu)
